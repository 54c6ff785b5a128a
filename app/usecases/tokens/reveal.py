"""Reveal: show a secret to a person on request, and record the request."""

from app.core.errors import InputRejected
from app.core.settings.fields import BY_NAME
from app.store import history
from app.store.storage_errors import storage_errors
from app.usecases.context import AppContext


def reveal_secret(deployment_id: str, field_name: str, *, actor: str, context: AppContext) -> str:
    """Return a secret field's value, after recording in the history who requested it.

    Raise NotFound, InputRejected, StorageFailed.
    """
    deployment = context.store.load(deployment_id)
    field = BY_NAME.get(field_name)
    if field is None or not field.secret:
        raise InputRejected({"field": "must be the name of a secret field"})
    value = deployment.env.get(field.env)
    if not value:
        raise InputRejected({"field": "has no value in this deployment"})
    with storage_errors("The secret was not revealed, because the request could not be recorded."):
        history.record(context.store.folder(deployment.id), "reveal", actor, field=field_name)
    return value
