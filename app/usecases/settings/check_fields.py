"""Check: what is said of one field's value as a person leaves it, by the rules of configuring."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.core.deployment import Deployment
from app.core.settings.field import Field
from app.core.settings.field_checks import (
    CheckedInput,
    ValueRejected,
    check_input,
    check_value,
    warning_about,
)
from app.core.settings.field_rules import memory_bytes
from app.core.settings.fields import BY_NAME, FIELDS
from app.engine.host.network import own_addresses, total_memory
from app.usecases.context import AppContext
from app.usecases.settings.configure import problems_of


@dataclass(frozen=True, slots=True)
class FieldMessage:
    """What is said beside a field: what is wrong, or a hint about what is taken all the same."""

    error: str = ""
    hint: str = ""


def check_field(name: str, raw: Any, *, context: AppContext) -> FieldMessage:
    """Return what is said of one field."""
    try:
        value = check_value(name, raw)
    except ValueRejected as wrong:
        return FieldMessage(error=str(wrong))
    values = {name: value} if value else {}
    if error := problems_of(CheckedInput(values, {}), context=context).get(name):
        return FieldMessage(error=error)
    return FieldMessage(hint=hints_about(values, context=context).get(name, ""))


def check_fields(given: Mapping[str, Any], *, context: AppContext) -> dict[str, FieldMessage]:
    """Return what is said of each field, those included that are missing."""
    checked = check_input(given)
    errors = problems_of(checked, context=context)
    hints = hints_about(checked.values, context=context)
    return {
        name: FieldMessage(errors.get(name, ""), hints.get(name, ""))
        for name in {**errors, **hints}
    }


def hints_about(values: Mapping[str, str], *, context: AppContext) -> dict[str, str]:
    """Return what is worth a second look in values that are taken, by field name."""
    hints = {name: _hint(BY_NAME[name], value, context) for name, value in values.items()}
    return {name: hint for name, hint in hints.items() if hint}


def warnings_of(deployment: Deployment, *, context: AppContext) -> dict[str, str]:
    """Return what of a deployment serves another one already, by field name."""
    found = {
        each.name: _in_use(each, deployment.env.get(each.env, ""), context, but=deployment.id)
        for each in FIELDS
    }
    return {name: warning for name, warning in found.items() if warning}


def _hint(field: Field, value: str, context: AppContext) -> str:
    if warning := _in_use(field, value, context):
        return warning
    if field.name == "bind_address" and value not in {"0.0.0.0", *own_addresses()}:  # noqa: S104
        return "This host has no such address now."
    if field.name == "memory_limit" and (memory_bytes(value) or 0) > total_memory():
        return "This is more memory than the host has."
    return warning_about(field, value)


def _in_use(field: Field, value: str, context: AppContext, but: str = "") -> str:
    """Return who has what can serve one gateway only; in a time that tells nothing of it."""
    if not (field.serves_one and value):
        return ""
    for each in context.store.scan():
        theirs = each.env.get(field.env, "")
        if each.id != but and hmac.compare_digest(theirs.encode(), value.encode()):
            return (
                f"This {field.serves_one} is already used by “{each.name or each.id}”. While both"
                " run, they take each other's messages: use another one, or stop that deployment."
            )
    return ""
