"""JSON Schema of the models of the API's requests and answers."""

from collections.abc import Iterable, Iterator
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.json_schema import (
    DEFAULT_REF_TEMPLATE,
    GenerateJsonSchema,
    JsonSchemaMode,
    JsonSchemaValue,
    models_json_schema,
)

from app.core.answers import AnswerPart
from app.web.api.calls import Call
from app.web.api.shapes import CallQuery, Problem

REFERENCE = DEFAULT_REF_TEMPLATE.replace("$defs", "components/schemas")


class _PlainSchema(GenerateJsonSchema):
    """JSON Schema adapted to the OpenAPI document."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Leave out the title of each field: it would repeat the field's name."""
        return False

    def field_is_required(self, field: Any, total: bool) -> bool:
        """Require every key of an answer: answers contain keys with default values too."""
        return self.mode == "serialization" or super().field_is_required(field, total)

    def dataclass_schema(self, schema: Any) -> JsonSchemaValue:
        """Allow additional keys in an answer: later versions may add keys."""
        described = super().dataclass_schema(schema)
        if self.mode == "serialization":
            described.pop("additionalProperties", None)
        return described


class Schemas:
    """The schemas of all models in the calls. `components` holds the schemas by name."""

    def __init__(self, calls: Iterable[Call]) -> None:
        models: dict[tuple[type[BaseModel], JsonSchemaMode], None] = {(Problem, "validation"): None}
        queries = []
        for call in calls:
            queries += [call.query] if call.query else []
            sent = [each for each in (call.body, call.query) if each]
            models |= {(each, "validation"): None for each in sent}
            models |= {(answer_model(each), "serialization"): None for each in call.answers}
        self._references, definitions = models_json_schema(
            list(models), ref_template=REFERENCE, schema_generator=_PlainSchema
        )
        self.components: dict[str, Any] = definitions["$defs"]
        # The keys of a query are listed as parameters, so a query is not a component.
        self._queries = {each: self.components.pop(self._name(each)) for each in {*queries}}

    def body(self, model: type[BaseModel]) -> dict[str, Any]:
        return dict(self._references[model, "validation"])

    def answer(self, annotation: Any) -> dict[str, Any]:
        reference = dict(self._references[answer_model(annotation), "serialization"])
        return {"type": "array", "items": reference} if is_list(annotation) else reference

    def parameters(self, query: type[CallQuery]) -> Iterator[dict[str, Any]]:
        for name, schema in self._queries[query]["properties"].items():
            parameter = {"name": name, "in": "query", "schema": schema}
            if "description" in schema:
                parameter["description"] = schema["description"]
            # An empty parameter counts as absent: forms send empty parameters.
            yield {**parameter, "allowEmptyValue": True}

    def _name(self, query: type[BaseModel]) -> str:
        return str(self._references[query, "validation"]["$ref"]).rpartition("/")[2]


def is_list(annotation: Any) -> bool:
    return get_origin(annotation) is list


def answer_model(annotation: Any) -> type[AnswerPart]:
    """Return the model of an answer, or of the items of a list."""
    model: type[AnswerPart] = get_args(annotation)[0] if is_list(annotation) else annotation
    return model
