"""Check fields: errors and hints for a form's fields, by the same rules as configuring."""

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
    """The message beside a field: an error, or a hint about an accepted value."""

    error: str = ""
    hint: str = ""


def check_field(name: str, raw: Any, *, context: AppContext) -> FieldMessage:
    """Return the message for one field."""
    try:
        value = check_value(name, raw)
    except ValueRejected as wrong:
        return FieldMessage(error=str(wrong))
    values = {name: value} if value else {}
    if error := problems_of(CheckedInput(values, {}), context=context).get(name):
        return FieldMessage(error=error)
    return FieldMessage(hint=hints_about(values, context=context).get(name, ""))


def check_fields(given: Mapping[str, Any], *, context: AppContext) -> dict[str, FieldMessage]:
    """Return the messages of all fields, including fields that are not given."""
    checked = check_input(given)
    errors = problems_of(checked, context=context)
    hints = hints_about(checked.values, context=context)
    return {
        name: FieldMessage(errors.get(name, ""), hints.get(name, ""))
        for name in {**errors, **hints}
    }


def hints_about(values: Mapping[str, str], *, context: AppContext) -> dict[str, str]:
    """Return hints about accepted values that may be mistakes, by field name."""
    hints = {name: _hint(BY_NAME[name], value, context) for name, value in values.items()}
    return {name: hint for name, hint in hints.items() if hint}


def warnings_of(deployment: Deployment, *, context: AppContext) -> dict[str, str]:
    """Return warnings about values already used by another deployment, by field name."""
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
    """Return a warning if another deployment has this value, which only one gateway can use.

    The comparison takes constant time, so that a secret can't be guessed by timing.
    """
    if not (field.serves_one and value):
        return ""
    for each in context.store.scan():
        theirs = each.env.get(field.env, "")
        if each.id != but and hmac.compare_digest(theirs.encode(), value.encode()):
            return (
                f"This {field.serves_one} is already used by “{each.label}”. If both"
                " run, they take each other's messages. Use another one, or stop that deployment."
            )
    return ""
