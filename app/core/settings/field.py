"""One setting of a deployment: its names, texts, rule and place in the form."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Group = Literal["auto", "mandatory", "optional"]
FieldType = Literal["string", "secret", "integer"]
Rule = Callable[[str], str | None]


@dataclass(frozen=True, slots=True)
class ValueHint:
    """What a value usually looks like. Only a hint: providers may change their key formats."""

    pattern: str
    words: str

    def fits(self, value: str) -> bool:
        return bool(re.match(self.pattern, value))


@dataclass(frozen=True, slots=True)
class Field:
    """One setting: `name` in the API and the form, `env` in `.env`.

    `rule` returns what is wrong with a value, worded to follow the field's label, or None.
    `section` groups fields in the form. `link` is the page that issues the value.
    `serves_one` names something that works with one gateway only, such as a bot.
    `reaches_gateway` means that the variable is passed into the container.
    """

    name: str
    env: str
    label: str
    help: str
    group: Group = "optional"
    type: FieldType = "string"
    section: str = "General"
    placeholder: str = ""
    link: str = ""
    constraints: Mapping[str, Any] = field(default_factory=dict)
    rule: Rule | None = None
    hint: ValueHint | None = None
    serves_one: str = ""
    reaches_gateway: bool = False

    @property
    def secret(self) -> bool:
        return self.type == "secret"

    def json_schema(self) -> dict[str, Any]:
        """Return the field as JSON Schema of a request body; null counts as empty."""
        kinds: list[dict[str, Any]] = [{"type": "string"}]
        if self.type == "integer":
            kinds = [{"type": "integer"}, {"type": "string", "pattern": r"^\s*[0-9]*\s*$"}]
        kinds[0] |= self.constraints
        return {
            "anyOf": [*kinds, {"type": "null"}],
            "description": f"{self.label}. {self.help}",
            **({"examples": [self.placeholder]} if self.placeholder and not self.secret else {}),
            **({"writeOnly": True} if self.secret else {}),
        }


@dataclass(frozen=True, slots=True)
class Section:
    """A group of optional fields in the form."""

    title: str
    about: str
