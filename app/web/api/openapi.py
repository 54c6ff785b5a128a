"""The JSON API described: an OpenAPI 3.1 document made from what its views declare."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, get_args, get_origin

from apispec import APISpec
from flask import Flask
from pydantic import BaseModel
from pydantic.json_schema import (
    DEFAULT_REF_TEMPLATE,
    GenerateJsonSchema,
    JsonSchemaMode,
    models_json_schema,
)
from werkzeug.routing import Rule

from app.core.answers import EXAMPLE_ID, AnswerPart
from app.core.errors import (
    InputRejected,
    NotAllowed,
    NotFound,
    NotLoggedIn,
    StorageFailed,
    TooManyOpenFiles,
)
from app.core.people import Permission
from app.web.api.calls import Call, Example, Subject, call_of
from app.web.api.shapes import Accepted, CallQuery, Problem
from app.web.server.errors import CSRF, FOREIGN_HOST, INTERNAL, Known, known, known_http
from app.web.server.permissions import permission_of

PROBLEM = "application/problem+json"
_REF = DEFAULT_REF_TEMPLATE.replace("$defs", "components/schemas")
_ABOUT = """\
The actions of the pages, for scripts. Permissions, history and messages are the same.

**Authentication.** Without users, calls from this machine need none. Otherwise send
`Authorization: Bearer TOKEN`, with a token from the page *People* or from
`deploy-agent token add`. A browser's session works too. A viewer reads; an operator also changes
and reveals.

**Operations** are what takes long. The call waits for the end, at most 110 seconds, unless
`"wait": false` is sent. If the operation is still running then, the answer is 202 with the
operation; `Location` is the operation's address.

**Errors** are problem details (RFC 9457). `code` is stable; `detail` says what happened, why, and
what to do. For invalid input, `errors` names every field. An unknown address is 404 `not_found`, a
wrong method 405 `method_not_allowed`. A client on another machine that sends too many requests gets
429 `too_many_requests`; `Retry-After` says how many seconds to wait.

**Compatibility.** Answers may get new keys. No key is renamed or removed. Unknown keys in a body
are refused; unknown query parameters are ignored.
"""
_PATH_PARAMETERS: dict[str, dict[str, Any]] = {
    "deployment_id": {
        "description": "The deployment's id.",
        "schema": {"type": "string", "pattern": "^[0-9a-f]{10}$"},
        "example": EXAMPLE_ID,
    },
    "number": {
        "description": "Its `id`, counted from 1.",
        "schema": {"type": "integer", "minimum": 1},
        "example": 1,
    },
}


@dataclass(frozen=True, slots=True)
class _Declared:
    """A call, and where it is answered."""

    method: str
    path: str
    call: Call
    permission: Permission

    @property
    def id(self) -> str:
        """Its name for generated clients: made from its address, which never changes."""
        words = re.findall(r"\{?\w+", self.path.removeprefix("/api").removeprefix("/deploy"))
        named = [word.replace("{", "by_") for word in words]
        return "_".join([self.method, *named])

    @property
    def in_path(self) -> list[str]:
        return re.findall(r"\{(\w+)\}", self.path)


def describe_api(app: Flask) -> dict[str, Any]:
    """Return the document of all calls that an app answers."""
    calls = sorted(_declared(app), key=lambda each: list(Subject).index(each.call.subject))
    schemas = _Schemas(each.call for each in calls)
    spec = APISpec(
        "Deploy Agent",
        "1",
        "3.1.0",
        info={"description": _ABOUT},
        # The last is nobody in particular, on this machine.
        security=[{"token": []}, {"session": []}, {}],
    )
    spec.components.security_scheme("token", {"type": "http", "scheme": "bearer"})
    cookie = {"type": "apiKey", "in": "cookie", "name": app.config["SESSION_COOKIE_NAME"]}
    spec.components.security_scheme("session", cookie)
    for name, schema in schemas.components.items():
        spec.components.schema(name, schema)
    for subject in Subject:
        spec.tag({"name": subject})
    for each in calls:
        spec.path(path=each.path, operations={each.method: _operation(each, schemas, spec)})
    return spec.to_dict()


def _declared(app: Flask) -> Iterator[_Declared]:
    for rule in app.url_map.iter_rules():
        declared = call_of(app.view_functions[rule.endpoint])
        permission = permission_of(app, rule.endpoint)
        if declared and permission:
            yield _Declared(_method(rule), path_of(rule), declared, permission)


def _method(rule: Rule) -> str:
    return "post" if "POST" in (rule.methods or ()) else "get"


def path_of(rule: Rule) -> str:
    return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)


class _PlainSchema(GenerateJsonSchema):
    """JSON Schema as the document needs it."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Leave out the title of each field: it would repeat the field's name."""
        return False

    def field_is_required(self, field: Any, total: bool) -> bool:
        """Require every key of an answer: also one with a default is always there."""
        return self.mode == "serialization" or super().field_is_required(field, total)


class _Schemas:
    """The schemas of all models that calls take and answer, under their names."""

    def __init__(self, calls: Iterable[Call]) -> None:
        wanted: dict[tuple[type[BaseModel], JsonSchemaMode], None] = {(Problem, "validation"): None}
        queries = []
        for call in calls:
            taken = [each for each in (call.body, call.query) if each]
            queries += [call.query] if call.query else []
            wanted |= {(each, "validation"): None for each in taken}
            wanted |= {(_model(each), "serialization"): None for each in call.answers}
        self._refs, definitions = models_json_schema(
            list(wanted), ref_template=_REF, schema_generator=_PlainSchema
        )
        self.components: dict[str, Any] = definitions["$defs"]
        # They are taken apart into parameters.
        self._queries = {each: self.components.pop(self._name(each)) for each in {*queries}}

    def body(self, model: type[BaseModel]) -> dict[str, Any]:
        return dict(self._refs[model, "validation"])

    def answer(self, kind: Any) -> dict[str, Any]:
        reference = dict(self._refs[_model(kind), "serialization"])
        return {"type": "array", "items": reference} if _is_list(kind) else reference

    def parameters(self, query: type[CallQuery]) -> Iterator[dict[str, Any]]:
        schema = self._queries[query]
        for name, each in schema["properties"].items():
            described = {"description": each["description"]} if "description" in each else {}
            # A form that was left empty says nothing.
            yield {
                "name": name,
                "in": "query",
                **described,
                "allowEmptyValue": True,
                "schema": each,
            }

    def _name(self, query: type[BaseModel]) -> str:
        return str(self._refs[query, "validation"]["$ref"]).rpartition("/")[2]


def _is_list(kind: Any) -> bool:
    return get_origin(kind) is list


def _model(kind: Any) -> type[AnswerPart]:
    model: type[AnswerPart] = get_args(kind)[0] if _is_list(kind) else kind
    return model


def _operation(declared: _Declared, schemas: _Schemas, spec: APISpec) -> dict[str, Any]:
    call = declared.call
    operation: dict[str, Any] = {
        "operationId": declared.id,
        "tags": [call.subject],
        "summary": call.summary,
        "description": call.description,
        "x-permission": declared.permission,
    }
    parameters = [*_path_parameters(declared), *_query_parameters(call, schemas)]
    if parameters:
        operation["parameters"] = parameters
    if call.body:
        body = {"schema": schemas.body(call.body)}
        if call.example.body:
            body["example"] = call.example.body.model_dump(mode="json", exclude_unset=True)
        operation["requestBody"] = {"required": True, "content": {"application/json": body}}
    operation["responses"] = {**_answers(call, schemas), **_problems(declared, spec)}
    return operation


def _path_parameters(declared: _Declared) -> Iterator[dict[str, Any]]:
    for name in declared.in_path:
        yield {"name": name, "in": "path", "required": True, **_PATH_PARAMETERS[name]}


def _query_parameters(call: Call, schemas: _Schemas) -> Iterator[dict[str, Any]]:
    for each in schemas.parameters(call.query) if call.query else ():
        given = call.example.query
        yield {**each, **({"example": given[each["name"]]} if each["name"] in given else {})}


def _answers(call: Call, schemas: _Schemas) -> dict[str, Any]:
    """Return what is answered where nothing went wrong, by status."""
    by_status: dict[int, list[Any]] = defaultdict(list)
    for kind in call.answers:
        by_status[_model(kind).http_status].append(kind)
    return {
        str(status): _answer(status, kinds, call, schemas)
        for status, kinds in sorted(by_status.items() or [(200, [])])
    }


def _answer(status: int, kinds: Sequence[Any], call: Call, schemas: _Schemas) -> dict[str, Any]:
    found = [schemas.answer(each) for each in kinds]
    content: dict[str, Any] = {}
    if found:
        schema = found[0] if len(found) == 1 else {"anyOf": found}
        content["application/json"] = {"schema": schema, **_example(call.example, status)}
    if status == 200:
        for media in call.media:
            content[media] = {"schema": {} if media == "application/json" else {"type": "string"}}
    told = [" ".join((each.__doc__ or "").split()) for each in kinds if not _is_list(each)]
    words = " Or: ".join(filter(None, told)) or "It is answered."
    answer: dict[str, Any] = {"description": words, "content": content}
    if Accepted in kinds:
        where = {"type": "string", "format": "uri-reference"}
        answer["headers"] = {"Location": {"description": "The operation.", "schema": where}}
    return answer


def _example(example: Example, status: int) -> dict[str, Any]:
    """Return the example's answer, at the status that it is sent with."""
    answer = example.answer
    if isinstance(answer, AnswerPart):
        return {"example": answer.as_json()} if answer.http_status == status else {}
    if isinstance(answer, str) or status != 200:
        return {}
    return {"example": [each.as_json() for each in answer]}


def _problems(declared: _Declared, spec: APISpec) -> dict[str, str]:
    """Return the errors by status, each a component that calls share."""
    by_status: dict[int, dict[str, Known]] = defaultdict(dict)
    for each in _known(declared):
        by_status[each.status][each.code] = each
    responses = {}
    for status, problems in sorted(by_status.items()):
        name = "-or-".join(problems)
        if name not in spec.components.responses:
            spec.components.response(name, _problem(list(problems.values())))
        responses[str(status)] = name
    return responses


def _known(declared: _Declared) -> Iterator[Known]:
    """Give all errors that a call may answer: those of its own, and what holds for all alike."""
    changes = declared.permission is Permission.OPERATE
    body, query = declared.call.body, declared.call.query
    yield FOREIGN_HOST
    yield known_http(400)
    yield known_http(429)
    yield known(NotLoggedIn)
    # Whoever looks, too: who may is read first, from a file that may be damaged.
    yield known(StorageFailed)
    if changes:
        yield from (CSRF, known(NotAllowed), known_http(403))
    if body:
        yield from (known_http(413), known_http(415))
    if body or query:
        yield known(InputRejected)
    if declared.in_path or (body and "deployment_id" in body.model_fields):
        yield known(NotFound)
    yield from map(known, declared.call.errors)
    yield known(TooManyOpenFiles)
    yield INTERNAL


def _problem(problems: Sequence[Known]) -> dict[str, Any]:
    codes = {"type": "string", "enum": [each.code for each in problems]}
    return {
        "description": "\n".join(f"- `{each.code}`: {each.title}" for each in problems),
        "content": {
            PROBLEM: {
                "schema": {"$ref": _REF.format(model="Problem"), "properties": {"code": codes}}
            }
        },
    }
