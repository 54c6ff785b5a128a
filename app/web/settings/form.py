"""The parts that the configure form and the edit form share."""

from collections.abc import Collection, Mapping
from typing import Any

from htmx_flask import request

from app.core.settings.field import Field, Section
from app.core.settings.fields import FIELDS, SECTIONS, TOKEN
from app.usecases.settings.check_fields import FieldMessage
from app.usecases.settings.choices import choices
from app.usecases.settings.configure import field_defaults
from app.web.server.request import app_context, wants_fragment

_SECRETS = frozenset(each.name for each in FIELDS if each.secret)


def _form_sections() -> dict[Section, list[Field]]:
    """Return the fields of a form by section, mandatory ones first."""
    fields = sorted(FIELDS, key=lambda each: each.group != "mandatory")
    return {
        section: [each for each in fields if each.section == section.title and each is not TOKEN]
        for section in SECTIONS
    }


_SECTIONS = _form_sections()
_LABELS = {each.name: each.label for fields in _SECTIONS.values() for each in fields}


def sent_fields(others: Collection[str]) -> dict[str, str]:
    """Return the settings in the sent form; `others` are names of its other inputs."""
    return {name: value for name, value in request.form.items() if name not in others}


def form_context(
    given: Mapping[str, str], messages: Mapping[str, FieldMessage], touched: Collection[str]
) -> dict[str, Any]:
    """Return the context of both form templates: fields, typed values, messages.

    A section with a `touched` field or an error is open. Secrets are never sent back to the
    browser: without HTMX, people must type the secrets in `again` once more.
    """
    # HTMX does not replace the inputs of secrets, so typed secrets stay.
    typed_secrets = [name for name, value in given.items() if value and name in _SECRETS]
    again = set() if wants_fragment() else set(typed_secrets)
    wrong = {
        name: messages[name].error
        for name in dict.fromkeys([*_LABELS, *messages])
        if name in messages and messages[name].error
    }
    opened = {*touched, *wrong, *again}
    return {
        "sections": _SECTIONS,
        "unfolded": {
            section
            for section, fields in _SECTIONS.items()
            if opened & {each.name for each in fields}
        },
        "typed": {name: value for name, value in given.items() if name not in _SECRETS},
        "messages": messages,
        "again": again,
        "wrong": wrong,
        "first": next((name for name in _LABELS if name in wrong or name in again), ""),
        "labels": _LABELS,
        "defaults": field_defaults(app_context()),
        "choices": choices(app_context()),
    }
