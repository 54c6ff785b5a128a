"""Find: the deployment with a given id or name."""

from app.core.deployment import is_id
from app.core.errors import InputRejected, NotFound
from app.usecases.context import AppContext


def find_deployment(given: str, *, context: AppContext) -> str:
    """Return the id of a deployment. Raises NotFound, InputRejected if several have the name."""
    if is_id(given):
        return context.store.load(given).id
    found = [each.id for each in context.store.scan() if each.name == given]
    if not found:
        raise NotFound(f"There is no deployment “{given}”. The list shows all deployments.")
    if len(found) > 1:
        ids = ", ".join(found)
        raise InputRejected({"deployment_id": f"is needed: several have that name: {ids}"})
    return found[0]
