"""The OpenAPI 3.1 document, made from the `@call` declarations of the views."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Flask
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
from app.web.api.calls import Call, CallTag, Example, call_of
from app.web.api.schemas import REFERENCE, Schemas, answer_model, is_list
from app.web.api.shapes import AcceptedAnswer, Problem
from app.web.server.errors import CSRF, FOREIGN_HOST, INTERNAL, KnownError, known, known_http
from app.web.server.permissions import permission_of

PROBLEM = "application/problem+json"
_ABOUT = """\
The actions of the pages, for scripts. Permissions, history and messages are the same.

**Authentication.** Without users, calls from this machine need no log-in. Otherwise send
`Authorization: Bearer TOKEN`, with a token from the page *People* or from
`deploy-agent token add`. A browser's session works too. A viewer reads; an operator also changes
and reveals.

**Operations** are long-running changes. A call that starts an operation waits for its end, at most
110 seconds; with `"wait": false` the call does not wait. While the operation is still running, the
answer is 202 with the operation; `Location` is the operation's address.

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
        "description": "The `id` of the operation or the update, counted from 1.",
        "schema": {"type": "integer", "minimum": 1},
        "example": 1,
    },
}


@dataclass(frozen=True, slots=True)
class _Route:
    """A call with its address."""

    method: str
    path: str
    call: Call
    permission: Permission

    @property
    def operation_id(self) -> str:
        """The call's name in generated clients, made from its address, which never changes."""
        words = re.findall(r"\{?\w+", self.path.removeprefix("/api").removeprefix("/deploy"))
        return "_".join([self.method, *(word.replace("{", "by_") for word in words)])

    @property
    def path_parameters(self) -> list[str]:
        return re.findall(r"\{(\w+)\}", self.path)


def describe_api(app: Flask) -> dict[str, Any]:
    """Return the document of all calls of an app."""
    routes = sorted(_routes(app), key=lambda each: list(CallTag).index(each.call.tag))
    schemas = Schemas(each.call for each in routes)
    paths: dict[str, dict[str, Any]] = defaultdict(dict)
    problems: dict[str, Any] = {}
    for each in routes:
        paths[each.path][each.method] = _operation(each, schemas, problems)
    cookie = {"type": "apiKey", "in": "cookie", "name": app.config["SESSION_COOKIE_NAME"]}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Deploy Agent", "version": "1", "description": _ABOUT},
        # The empty requirement: without users, this machine needs no authentication.
        "security": [{"token": []}, {"session": []}, {}],
        "tags": [{"name": tag} for tag in CallTag],
        "paths": dict(paths),
        "components": {
            "schemas": schemas.components,
            "responses": problems,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}, "session": cookie},
        },
    }


def _routes(app: Flask) -> Iterator[_Route]:
    for rule in app.url_map.iter_rules():
        call = call_of(app.view_functions[rule.endpoint])
        permission = permission_of(app, rule.endpoint)
        if call and permission:
            yield _Route(_method(rule), path_of(rule), call, permission)


def _method(rule: Rule) -> str:
    return "post" if "POST" in (rule.methods or ()) else "get"


def path_of(rule: Rule) -> str:
    """Return a Flask rule's address in OpenAPI's notation."""
    return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)


def _operation(route: _Route, schemas: Schemas, problems: dict[str, Any]) -> dict[str, Any]:
    call = route.call
    operation: dict[str, Any] = {
        "operationId": route.operation_id,
        "tags": [call.tag],
        "summary": call.summary,
        "description": call.description,
        "x-permission": route.permission,
    }
    if parameters := [*_path_parameters(route), *_query_parameters(call, schemas)]:
        operation["parameters"] = parameters
    if call.body:
        body = {"schema": schemas.body(call.body)}
        if call.example.body:
            body["example"] = call.example.body.model_dump(mode="json", exclude_unset=True)
        operation["requestBody"] = {"required": True, "content": {"application/json": body}}
    operation["responses"] = {**_answers(call, schemas), **_problems(route, problems)}
    return operation


def _path_parameters(route: _Route) -> Iterator[dict[str, Any]]:
    for name in route.path_parameters:
        yield {"name": name, "in": "path", "required": True, **_PATH_PARAMETERS[name]}


def _query_parameters(call: Call, schemas: Schemas) -> Iterator[dict[str, Any]]:
    examples = call.example.query
    for each in schemas.parameters(call.query) if call.query else ():
        name = each["name"]
        yield {**each, "example": examples[name]} if name in examples else each


def _answers(call: Call, schemas: Schemas) -> dict[str, Any]:
    """Return the answers of a successful call, by status."""
    by_status: dict[int, list[Any]] = defaultdict(list)
    for each in call.answers:
        by_status[answer_model(each).http_status].append(each)
    return {
        str(status): _answer(status, annotations, call, schemas)
        for status, annotations in sorted(by_status.items() or [(200, [])])
    }


def _answer(
    status: int, annotations: Sequence[Any], call: Call, schemas: Schemas
) -> dict[str, Any]:
    content: dict[str, Any] = {}
    if found := [schemas.answer(each) for each in annotations]:
        schema = found[0] if len(found) == 1 else {"anyOf": found}
        content["application/json"] = {"schema": schema, **_example(call.example, status)}
    for media in call.media if status == 200 else ():
        content[media] = {"schema": {} if media == "application/json" else {"type": "string"}}
    texts = [" ".join((each.__doc__ or "").split()) for each in annotations if not is_list(each)]
    words = " Or: ".join(filter(None, texts)) or "The call succeeded."
    answer: dict[str, Any] = {"description": words, "content": content}
    if AcceptedAnswer in annotations:
        address = {"type": "string", "format": "uri-reference"}
        answer["headers"] = {"Location": {"description": "The operation.", "schema": address}}
    return answer


def _example(example: Example, status: int) -> dict[str, Any]:
    """Return the example's answer if its status is this one, else nothing."""
    answer = example.answer
    if isinstance(answer, AnswerPart):
        return {"example": answer.as_json()} if answer.http_status == status else {}
    if isinstance(answer, str) or status != 200:
        return {}
    return {"example": [each.as_json() for each in answer]}


def _problems(route: _Route, shared: dict[str, Any]) -> dict[str, Any]:
    """Return the errors of a call by status, as references. Add missing responses to `shared`."""
    by_status: dict[int, dict[str, KnownError]] = defaultdict(dict)
    for each in _errors(route):
        by_status[each.status][each.code] = each
    responses = {}
    for status, errors in sorted(by_status.items()):
        name = "-or-".join(errors)
        shared.setdefault(name, _problem(errors))
        responses[str(status)] = {"$ref": f"#/components/responses/{name}"}
    return responses


def _errors(route: _Route) -> Iterator[KnownError]:
    """Yield all errors of a call: its own, and the errors that every call can have."""
    body, query = route.call.body, route.call.query
    yield FOREIGN_HOST
    yield known_http(400)
    yield known_http(429)
    yield known(NotLoggedIn)
    # Calls that only read can fail too: the file of users and tokens may be damaged.
    yield known(StorageFailed)
    if route.permission is Permission.OPERATE:
        yield from (CSRF, known(NotAllowed), known_http(403))
    if body:
        yield from (known_http(413), known_http(415))
    if body or query:
        yield known(InputRejected)
    if route.path_parameters or (body and "deployment_id" in body.model_fields):
        yield known(NotFound)
    yield from map(known, route.call.errors)
    yield known(TooManyOpenFiles)
    yield INTERNAL


def _problem(errors: Mapping[str, KnownError]) -> dict[str, Any]:
    codes = {"type": "string", "enum": list(errors)}
    schema = {"$ref": REFERENCE.format(model=Problem.__name__), "properties": {"code": codes}}
    return {
        "description": "\n".join(f"- `{each.code}`: {each.title}" for each in errors.values()),
        "content": {PROBLEM: {"schema": schema}},
    }
