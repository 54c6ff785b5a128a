"""Every route of the app refuses forbidden requests.

The routes are taken from the app's URL map, so new routes are tested automatically.
"""

import html
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser
from threading import Barrier, Event

import pytest
from flask.testing import FlaskClient
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from app.core.people import Permission
from app.usecases.context import AppContext
from app.usecases.people import people
from app.usecases.people.people import begin_setup
from app.usecases.people.sessions import log_out
from app.web.server.permissions import permission_of
from app.web.server.security import HEADERS
from tests.support.api import API_KEY, BASE, Api
from tests.support.pages import HTMX, csrf_token_at
from tests.support.people import OTHER_PASSWORD, PASSWORD, logged_in
from tests.support.routes import example_path, routes
from tests.support.soak import rounds

ODD_METHODS = ("PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "PROPFIND")
FOREIGN = (
    {"Origin": "http://evil.example"},
    {"Origin": "null"},
    {"Origin": BASE, "Sec-Fetch-Site": "cross-site"},
    {"Origin": f"{BASE}.evil.example"},
    # A request from a gateway's page, on another port of this host.
    {"Origin": f"{BASE}:30163", "Sec-Fetch-Site": "same-site"},
)


def changing(api: Api) -> Iterator[Rule]:
    return (rule for method, rule in routes(api) if method == "POST")


def send(client: FlaskClient, rule: Rule, headers: dict[str, str], **form: str) -> TestResponse:
    """Send `form` in a POST request: as JSON to the API, as a form to a page."""
    body = {"json": {}} if rule.rule.startswith("/api/") else {"data": form}
    return client.post(example_path(rule), base_url=BASE, headers={**HTMX, **headers}, **body)


def assert_dressed(answer: TestResponse) -> None:
    """Assert that an answer has every security header and must not be cached."""
    assert HEADERS.items() <= dict(answer.headers).items()
    assert answer.headers["Cache-Control"] == "no-store"


def test_every_cross_site_change_is_refused(
    api: Api, context_with_people: AppContext, request: pytest.FixtureRequest
) -> None:
    client = logged_in(api, "ana")
    token = csrf_token_at(client, "/people")

    for number, rule in enumerate(changing(api)):
        tries = rounds(request.config, 1, len(FOREIGN))
        for foreign in [*FOREIGN, *FOREIGN][number % len(FOREIGN) :][:tries]:
            answer = send(client, rule, foreign, csrf_token=token)
            assert answer.status_code == 403, (rule.rule, foreign)
            assert "another site" in answer.text, (rule.rule, foreign)
            assert_dressed(answer)


def test_every_change_by_a_browser_needs_the_csrf_token(
    api: Api, context_with_people: AppContext, request: pytest.FixtureRequest
) -> None:
    client, other = logged_in(api, "ana"), api.app.test_client()
    tokens = ("", csrf_token_at(other), "IjEi.aaaaaa.b")

    for number, rule in enumerate(changing(api)):
        tries = rounds(request.config, 1, len(tokens))
        for token in [*tokens, *tokens][number % len(tokens) :][:tries]:
            headers = {"Origin": BASE, "X-CSRFToken": token}
            answer = send(client, rule, headers, csrf_token=token)
            assert answer.status_code == 400, rule.rule
            assert "without this session's token" in html.unescape(answer.text), rule.rule
            assert_dressed(answer)


def test_every_route_of_an_open_server_refuses_a_foreign_host_name(api: Api) -> None:
    for method, rule in routes(api):
        if rule.endpoint.startswith("health."):
            continue
        answer = api.client.open(
            example_path(rule), method=method, base_url="http://evil.example", headers=HTMX
        )
        assert answer.status_code == 400, f"{method} {rule.rule}"
        assert "not served under this name" in answer.text, f"{method} {rule.rule}"
        assert_dressed(answer)


def test_every_route_refuses_every_method_but_its_own(
    api: Api, request: pytest.FixtureRequest
) -> None:
    # Use the plain client, because some of these answers are not in the API's description.
    client = FlaskClient(api.app, api.app.response_class)
    taken: dict[str, set[str]] = {}
    for method, rule in routes(api):
        taken.setdefault(example_path(rule), set()).add(method)
    for number, (path, methods) in enumerate(sorted(taken.items())):
        odd = [each for each in ("GET", "POST", *ODD_METHODS) if each not in methods]
        tries = rounds(request.config, 1, len(odd))
        for method in [*odd, *odd][number % len(odd) :][:tries]:
            # Some servers use the method in these headers in place of the request's method.
            means = min(methods)
            headers = {**HTMX, "X-HTTP-Method-Override": means, "X-Method-Override": means}
            answer = client.open(
                f"{path}?_method={means}", method=method, base_url=BASE, headers=headers
            )
            # 404, because `/deployments/new` also matches the route with an id, and `new` is no id.
            assert answer.status_code in (404, 405), f"{method} {path}"
            if answer.status_code == 405:
                assert method not in answer.headers["Allow"].split(", ")


def test_no_method_bypasses_the_log_in(api: Api, context_with_people: AppContext) -> None:
    viewer = people.make_token("script", "viewer", "ana", context=context_with_people)
    as_viewer = {"Authorization": f"Bearer {viewer}"}
    for method, rule in routes(api):
        permission = permission_of(api.app, rule.endpoint)
        odd = "HEAD" if method == "GET" else "OPTIONS"
        answer = api.client.open(example_path(rule), method=odd, base_url=BASE)
        assert (answer.status_code == 401) is (permission is not Permission.PUBLIC), rule
        assert_dressed(answer)
        if (method, permission) == ("GET", Permission.OPERATE):
            seen = api.client.head(example_path(rule), base_url=BASE, headers={**HTMX, **as_viewer})
            assert seen.status_code == 403, rule


class Markup(HTMLParser):
    """Collect markup with inline code or foreign resources, which no page may have."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.wrong: list[str] = []
        self.tags = 0
        self._inside = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags += 1
        self._inside = tag
        given = {name: value or "" for name, value in attrs}
        if tag in ("style", "iframe", "frame", "object", "embed", "base", "applet"):
            self.wrong.append(f"<{tag}>")
        if tag == "script" and "src" not in given:
            self.wrong.append("<script> without a source")
        for name, value in given.items():
            code = name == "style" or name.startswith(("on", "hx-on"))
            if code or "javascript:" in value.lower() or re.match(r"\s*js:", value):
                self.wrong.append(f"{tag} {name}={value}")
            ours = re.match(r"/(?![/\\])|\?|#|data:image/|$", value)
            if name in ("src", "srcset", "action", "formaction", "data", "poster") and not ours:
                self.wrong.append(f"{tag} {name}={value}")
            if tag == "link" and name == "href" and not ours:
                self.wrong.append(f"{tag} {name}={value}")
            if name in ("hx-get", "hx-post", "hx-ext") and re.match(r"https?:|//", value):
                self.wrong.append(f"{tag} {name}={value}")

    def handle_data(self, data: str) -> None:
        if self._inside == "script" and data.strip():
            self.wrong.append(f"a script of its own: {data[:40]}")

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""


def test_no_page_has_inline_code_or_needs_another_site(api: Api) -> None:
    hostile = "</script><img src=x onerror=alert(1)>\" style='x' onclick='y"
    deployment_id = api.configure(name=hostile)
    paths = {example_path(rule, deployment_id) for method, rule in routes(api) if method == "GET"}
    paths.add(f"/setup/{begin_setup(context=api.app.config['CONTEXT'])}")
    paths.add(f"/nowhere?{hostile}")
    pages = 0

    for path in sorted(each for each in paths if not each.endswith("/stream")):
        answer = api.page(path)
        assert_dressed(answer)
        if answer.mimetype == "text/html" and answer.status_code != 303:
            seen = Markup(answer.text)
            assert seen.wrong == [], path
            assert seen.tags > 10
            pages += 1
    assert pages > 30


def test_the_markup_checker_finds_what_it_looks_for() -> None:
    for wrong in (
        "<script>1</script>",
        "<p style='a'>",
        "<p onclick='a'>",
        "<p hx-on:click='a'>",
        "<style>a</style>",
        "<a href='JavaScript:a'>",
        "<img src='//evil.example/x'>",
        "<form action='https://evil.example'>",
        "<link rel='stylesheet' href='https://evil.example/x.css'>",
        "<script src='https://evil.example/x.js'></script>",
        "<iframe></iframe>",
    ):
        assert Markup(wrong).wrong, wrong


def test_list_status_logs_history_and_streams_show_the_same_deployments_to_each_role(
    api: Api, context_with_people: AppContext
) -> None:
    root = context_with_people.settings.deployments_dir
    mine = people.make_token("setup", "operator", "ana", context=context_with_people)
    api.client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {mine}"
    listed, archived = api.configure(), api.configure()
    api.post("archive", {"deployment_id": archived})
    (root / "feedc0ffee").mkdir()
    (root / "not-an-id").mkdir()
    (root / "abad1deaff").symlink_to(root / listed)
    known = [listed, archived, "feedc0ffee", "not-an-id", "abad1deaff", "0123456789", ".archive"]
    ways = (
        "/api/deploy/status/{}",
        "/api/deploy/logs/{}",
        "/api/deploy/history/{}",
        "/deployments/{}",
        "/deployments/{}/stream",
        "/deployments/{}/logs/stream",
    )
    sets = set()

    for role in ("operator", "viewer"):
        token = people.make_token(role, role, "ana", context=context_with_people)
        api.client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
        sets.add(frozenset(row["deployment_id"] for row in api.get("list").json))
        for way in ways:
            shown = set()
            for each in known:
                answer = api.page(way.format(each), buffered=False)
                # An archived deployment redirects to the archive. An `invalid` deployment is
                # listed, and calls that can't read its files say so.
                if answer.status_code not in (303, 404):
                    shown.add(each)
                answer.close()
            sets.add(frozenset(shown))

    assert sets == {frozenset({listed, "feedc0ffee", "abad1deaff"})}


def _demote(context: AppContext, client: FlaskClient) -> None:
    with context.people.changing() as everybody:
        everybody.users["bea"].role = "viewer"


def _log_out(context: AppContext, client: FlaskClient) -> None:
    with client.session_transaction(base_url=BASE) as session:
        log_out(session["login"], context=context)


def _remove(context: AppContext, client: FlaskClient) -> None:
    people.remove_user("bea", by="test", context=context)


def _change_password(context: AppContext, client: FlaskClient) -> None:
    people.set_password("bea", OTHER_PASSWORD, by="test", context=context)


@pytest.mark.parametrize(
    "happens",
    [
        _log_out,
        pytest.param(_demote, marks=pytest.mark.soak),
        pytest.param(_remove, marks=pytest.mark.soak),
        pytest.param(_change_password, marks=pytest.mark.soak),
    ],
)
def test_every_open_stream_ends_when_its_reader_loses_access(
    api: Api, context_with_people: AppContext, happens: Callable[[AppContext, FlaskClient], None]
) -> None:
    people.add_user("bea", "operator", PASSWORD, by="test", context=context_with_people)
    token = people.make_token("setup", "operator", "ana", context=context_with_people)
    made = {"Authorization": f"Bearer {token}"}
    answer = api.post("configure", {"openrouter_api_key": API_KEY}, headers=made)
    client = logged_in(api, "bea")
    # Skip the stream of an operation, which needs an operation and uses the same code.
    paths = [
        example_path(rule, answer.json["deployment_id"])
        for _, rule in routes(api)
        if rule.rule.endswith("/stream") and rule.endpoint != "operations.stream"
    ]
    assert len(paths) >= 6
    all_opened, changed = Barrier(len(paths) + 1), Event()

    def left_of(path: str) -> list[bytes]:
        """Return a stream's events after its reader has lost access."""
        with client.get(path, base_url=BASE, buffered=False) as stream:
            assert_dressed(stream)
            events = iter(stream.response)
            assert [b"retry" in next(events), b"data:" in next(events)] == [True, True]
            all_opened.wait(60)
            assert changed.wait(60)
            return list(events)

    with ThreadPoolExecutor(len(paths)) as pool:
        left = pool.map(left_of, paths)
        all_opened.wait(60)
        happens(context_with_people, client)
        context_with_people.live_updates.publish()
        changed.set()
        assert dict(zip(paths, left, strict=True)) == {path: [] for path in paths}
    refused = client.get("/deployments/new", base_url=BASE)
    assert refused.status_code == (403 if happens is _demote else 303)
