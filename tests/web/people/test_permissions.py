"""Permissions: log-in, roles, tokens, the set-up link, and every route of the app."""

import contextlib
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from argon2 import PasswordHasher

from app import create_app
from app.config import Settings
from app.core.errors import InputRejected, LinkExpired, NotLoggedIn, TooManyAttempts
from app.core.people import Permission
from app.store.history import read_history
from app.usecases.context import AppContext
from app.usecases.people import people, sessions
from app.web.server.permissions import permission_of
from tests.support.api import BASE, Api
from tests.support.pages import csrf_token_at, submit
from tests.support.people import OTHER_PASSWORD, PASSWORD, logged_in
from tests.support.routes import example_path, routes


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use the same hash algorithm at the lowest cost, because these tests need no strong hashes."""
    quick = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    for module in (people, sessions):
        monkeypatch.setattr(module, "HASHER", quick)
    monkeypatch.setattr(sessions, "_dummy_hash", lambda: quick.hash("nobody"))


def test_every_route_declares_a_permission(api: Api) -> None:
    undeclared = [rule.rule for _, rule in routes(api) if not permission_of(api.app, rule.endpoint)]

    assert undeclared == []


def test_a_route_without_a_permission_is_not_answered(api: Api) -> None:
    api.app.add_url_rule("/forgotten", "forgotten", lambda: "secret")

    assert api.page("/forgotten").status_code == 500


def test_every_route_that_is_not_public_needs_a_login(
    api: Api, context_with_people: AppContext
) -> None:
    walked = 0
    for method, rule in routes(api):
        if permission_of(api.app, rule.endpoint) is Permission.PUBLIC:
            continue
        answer = api.client.open(example_path(rule), method=method, base_url=BASE)
        walked += 1
        if answer.status_code == 303:
            assert answer.headers["Location"].startswith("/login?next=")
            assert method == "GET"
        else:
            assert answer.status_code == 401, f"{method} {rule.rule}"
    assert walked > 20


def test_every_route_that_changes_refuses_a_viewer(
    api: Api, context_with_people: AppContext
) -> None:
    viewer = people.make_token("script", "viewer", "ana", context=context_with_people)
    walked = 0
    for method, rule in routes(api):
        permission = permission_of(api.app, rule.endpoint)
        answer = api.client.open(
            example_path(rule),
            method=method,
            base_url=BASE,
            headers={"Authorization": f"Bearer {viewer}"},
            json={} if method == "POST" and rule.rule.startswith("/api") else None,
        )
        if permission is Permission.OPERATE:
            walked += 1
            assert answer.status_code == 403, f"{method} {rule.rule}"
        else:
            assert answer.status_code != 403, f"{method} {rule.rule}"
        answer.close()
    assert walked > 10
    assert {
        rule.endpoint
        for method, rule in routes(api)
        if method == "POST" and permission_of(api.app, rule.endpoint) is not Permission.OPERATE
    } == {
        "people.check_log_in",
        "people.log_out",
        "people.make_first_operator",
        "people.change_password",
        "theme.choose",
    }


def test_an_operator_logs_in_works_and_logs_out(api: Api, context_with_people: AppContext) -> None:
    client = logged_in(api, "ana")
    cookie = client.get_cookie("deploy_agent_8000")

    assert client.get("/", base_url=BASE).status_code == 200
    assert cookie is not None
    assert cookie.http_only
    assert cookie.same_site == "Lax"
    assert cookie.expires is not None
    assert submit(client, "/logout").status_code == 303
    assert client.get("/", base_url=BASE).status_code == 303


def test_a_stolen_cookie_is_useless_after_the_logout(
    api: Api, context_with_people: AppContext
) -> None:
    client = logged_in(api, "ana")
    cookie = client.get_cookie("deploy_agent_8000")
    assert cookie is not None
    thief = api.app.test_client()
    thief.set_cookie("deploy_agent_8000", cookie.value)
    assert thief.get("/", base_url=BASE).status_code == 200

    submit(client, "/logout")

    assert thief.get("/", base_url=BASE).status_code == 303


def test_a_password_change_ends_all_other_sessions(
    api: Api, context_with_people: AppContext
) -> None:
    here, elsewhere = logged_in(api, "ana"), logged_in(api, "ana")

    wrong = submit(here, "/people/password", current="wrong", password=OTHER_PASSWORD)
    right = submit(here, "/people/password", current=PASSWORD, password=OTHER_PASSWORD)

    assert wrong.status_code == 422
    assert right.status_code == 303
    assert here.get("/", base_url=BASE).status_code == 200
    assert elsewhere.get("/", base_url=BASE).status_code == 303
    assert logged_in(api, "ana", OTHER_PASSWORD)


def test_a_session_from_before_the_login_is_replaced(
    api: Api, context_with_people: AppContext
) -> None:
    client = api.app.test_client()
    client.get("/login", base_url=BASE)
    before = client.get_cookie("deploy_agent_8000")
    submit(client, "/login", name="ana", password=PASSWORD)
    after = client.get_cookie("deploy_agent_8000")

    assert before is None or after is None or before.value != after.value


def test_a_cookie_planted_before_the_login_is_useless_afterwards(
    api: Api, context_with_people: AppContext
) -> None:
    attacker, victim = api.app.test_client(), api.app.test_client()
    token = csrf_token_at(attacker)
    planted = attacker.get_cookie("deploy_agent_8000")
    assert planted is not None
    victim.set_cookie("deploy_agent_8000", planted.value)

    form = {"name": "ana", "password": PASSWORD, "csrf_token": token}
    answer = victim.post("/login", data=form, base_url=BASE, headers={"Origin": BASE})

    assert answer.status_code == 303
    assert victim.get("/", base_url=BASE).status_code == 200
    assert attacker.get("/", base_url=BASE).status_code == 303
    # The CSRF token that the attacker knows is not valid in the victim's new session either.
    made = victim.post(
        "/people/tokens",
        data={"name": "x", "role": "operator", "csrf_token": token},
        base_url=BASE,
        headers={"Origin": BASE},
    )
    assert made.status_code == 400


def test_a_cookie_sent_to_a_gateway_is_useless_to_it(
    api: Api, context_with_people: AppContext
) -> None:
    """Browsers send a cookie to every port of a host, so every opened gateway gets our cookie."""
    client = logged_in(api, "ana")
    cookie = client.get_cookie("deploy_agent_8000")
    assert cookie is not None
    gateway = api.app.test_client()
    gateway.set_cookie("deploy_agent_8000", cookie.value)

    answer = gateway.get("/", base_url=BASE, environ_base={"REMOTE_ADDR": "10.198.3.210"})

    assert answer.status_code == 303
    assert client.get("/", base_url=BASE).status_code == 200


def test_a_password_changed_during_the_login_opens_no_session(
    context_with_people: AppContext,
) -> None:
    verified = sessions.verify_password("ana", PASSWORD, "127.0.0.1", context=context_with_people)
    people.set_password("ana", OTHER_PASSWORD, by="test", context=context_with_people)

    with pytest.raises(NotLoggedIn):
        sessions.open_session("ana", "127.0.0.1", context=context_with_people, verified=verified)


def test_sessions_are_bounded(context_with_people: AppContext) -> None:
    for _ in range(30):
        sessions.open_session("vic", "127.0.0.1", context=context_with_people)

    assert len(context_with_people.people.read().users["vic"].sessions) == 20


def test_guesses_from_elsewhere_lock_nobody_out(api: Api, context_with_people: AppContext) -> None:
    for _ in range(6):
        with contextlib.suppress(NotLoggedIn, TooManyAttempts):
            sessions.verify_password("ana", "guess", "10.0.0.66", context=context_with_people)

    assert logged_in(api, "ana")


def test_changes_of_users_are_recorded(context_with_people: AppContext) -> None:
    people.make_token("nightly", "viewer", "ana", context=context_with_people)
    people.remove_user("vic", by="ana", context=context_with_people)

    recorded = read_history(context_with_people.settings.deployments_dir)

    assert [(entry["what"], entry["who"]) for entry in recorded] == [
        ("add_user", "test"),
        ("add_user", "test"),
        ("make_token", "ana"),
        ("remove_user", "ana"),
    ]


def test_a_changed_role_applies_at_once(api: Api, context_with_people: AppContext) -> None:
    client = logged_in(api, "ana")
    people.add_user("bea", "operator", PASSWORD, by="test", context=context_with_people)
    people.remove_user("ana", by="test", context=context_with_people)

    assert client.get("/", base_url=BASE).status_code == 303


@pytest.mark.parametrize(
    ("name", "password"), [("ana", "canary-77"), ("nobody", PASSWORD), ("", "")]
)
def test_a_failed_login_does_not_say_what_was_wrong(
    api: Api, context_with_people: AppContext, name: str, password: str
) -> None:
    answer = submit(api.app.test_client(), "/login", name=name, password=password)

    assert answer.status_code == 401
    assert "The name or the password is wrong." in answer.text
    assert password == "" or password not in answer.text


def test_guessing_is_throttled_even_with_the_right_password(
    api: Api, context_with_people: AppContext
) -> None:
    client = api.app.test_client()
    for _ in range(5):
        assert submit(client, "/login", name="ana", password="guess").status_code == 401

    answer = submit(client, "/login", name="ana", password=PASSWORD)

    assert answer.status_code == 429
    assert "Wait five minutes" in answer.text


def test_concurrent_guesses_from_many_addresses_are_throttled_too(
    api: Api, context_with_people: AppContext
) -> None:
    def guess(number: int) -> int:
        headers = dict.fromkeys(("X-Forwarded-For", "X-Real-IP"), f"10.0.0.{number}")
        form = {"name": "ana", "password": f"guess {number}"}
        answer = api.app.test_client().post("/login", data=form, base_url=BASE, headers=headers)
        return answer.status_code

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(guess, range(24)))

    assert sorted(answers) == [401] * 5 + [429] * 19


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example",
        "http://evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "//[",
        "/\t/evil.example",
        "/ /evil",
    ],
)
def test_a_login_redirects_to_no_other_site(
    api: Api, context_with_people: AppContext, target: str
) -> None:
    answer = submit(api.app.test_client(), "/login", name="ana", password=PASSWORD, next=target)

    assert answer.headers["Location"] == "/"


def test_an_api_token_works_until_it_is_revoked(api: Api, context_with_people: AppContext) -> None:
    token = people.make_token("nightly", "operator", "ana", context=context_with_people)
    headers = {"Authorization": f"Bearer {token}"}
    [(identifier, kept)] = context_with_people.people.read().tokens.items()
    assert token not in str(kept)
    assert kept.used_at is None

    assert api.get("list", headers=headers).status_code == 200
    used_at = context_with_people.people.read().tokens[identifier].used_at
    assert used_at is not None
    assert abs(used_at - time.time()) < 60
    people.revoke_token(identifier, by="test", context=context_with_people)

    assert api.get("list", headers=headers).status_code == 401
    for wrong in ("", "da_", f"da_{identifier}_", "nonsense", token.upper()):
        refused = api.get("list", headers={"Authorization": f"Bearer {wrong}"})
        assert refused.status_code == 401


def test_a_browsers_json_call_needs_the_csrf_token_too(
    api: Api, context_with_people: AppContext
) -> None:
    client = logged_in(api, "ana")

    answer = client.post(
        "/api/deploy/stop",
        json={"deployment_id": "0123456789"},
        base_url=BASE,
        headers={"Origin": BASE},
    )

    assert answer.status_code == 400
    assert answer.json["code"] == "csrf"


def test_the_history_names_the_actor(api: Api, context_with_people: AppContext) -> None:
    client = logged_in(api, "ana")

    submit(client, "/deployments/new", openrouter_api_key="sk-or-v1-x", configure="yes")

    [deployment] = context_with_people.store.scan()
    folder = context_with_people.store.folder(deployment.id)
    assert '"who": "ana"' in (folder / ".deploy-agent/history.jsonl").read_text()


def test_a_viewer_sees_no_button_that_would_be_refused(
    api: Api, context_with_people: AppContext
) -> None:
    operator, viewer = logged_in(api, "ana"), logged_in(api, "vic")
    submit(operator, "/deployments/new", openrouter_api_key="sk-or-v1-x", configure="yes")
    [deployment] = context_with_people.store.scan()
    path = f"/deployments/{deployment.id}"

    assert '/launch"' in operator.get(path, base_url=BASE).text
    seen = viewer.get(path, base_url=BASE).text
    assert '/launch"' not in seen
    assert "Reveal" not in seen
    assert submit(viewer, f"{path}/launch").status_code == 403


def test_a_proxy_header_is_trusted_only_from_the_proxy(settings: Settings) -> None:
    behind = settings.model_copy(update={"trusted_proxy": "127.0.0.9"})
    api = Api(create_app(behind))
    people.add_user("ana", "operator", PASSWORD, by="test", context=api.app.config["CONTEXT"])
    header = {"X-Forwarded-User": "ana"}

    def call(address: str, path: str) -> int:
        answer = api.client.get(
            path, base_url=BASE, headers=header, environ_base={"REMOTE_ADDR": address}
        )
        return answer.status_code

    assert call("127.0.0.9", "/deployments/new") == 200
    assert call("127.0.0.1", "/deployments/new") == 303
    header["X-Forwarded-User"] = "stranger"
    assert call("127.0.0.9", "/") == 200
    assert call("127.0.0.9", "/deployments/new") == 403


@pytest.mark.parametrize(
    "header",
    ["X-Forwarded-For", "Forwarded", "Via", "X-Real-IP", "x-forwarded-proto", "X-Forwarded-Server"],
)
def test_a_proxied_request_to_an_open_server_is_not_local(api: Api, header: str) -> None:
    assert api.get("list").status_code == 200

    refused = api.get("list", headers={header: "203.0.113.9"})

    assert refused.status_code == 401
    assert refused.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "environment",
    [
        # nginx forwards requests as HTTP/1.0 by default.
        {"SERVER_PROTOCOL": "HTTP/1.0"},
        # With route_localnet, a host lets neighboring machines reach its loopback address.
        {"REMOTE_ADDR": "192.0.2.7"},
    ],
)
def test_an_open_server_admits_only_local_requests(api: Api, environment: dict[str, str]) -> None:
    assert api.get("list", environ_overrides=environment).status_code == 401
    # On a Unix socket, clients have no address.
    assert api.get("list", environ_overrides={"REMOTE_ADDR": ""}).status_code == 200


def test_a_session_is_bound_to_the_address_named_by_the_trusted_proxy(
    settings: Settings,
) -> None:
    api = Api(create_app(settings.model_copy(update={"trusted_proxy": "127.0.0.1"})))
    people.add_user("ana", "operator", PASSWORD, by="test", context=api.app.config["CONTEXT"])
    client = logged_in(api, "ana")

    def page(address: str) -> int:
        headers = {"X-Forwarded-For": f"10.1.1.1, {address}"}
        return client.get("/", base_url=BASE, headers=headers).status_code

    assert client.get("/", base_url=BASE).status_code == 200
    assert page("10.198.3.210") == 303


def test_nobody_bypasses_the_trusted_proxy(settings: Settings) -> None:
    api = Api(create_app(settings.model_copy(update={"trusted_proxy": "127.0.0.9"})))

    assert api.get("list").status_code == 401


def test_the_set_up_link_makes_the_first_operator_once(settings: Settings) -> None:
    api = Api(create_app(settings))
    api.app.config["OPEN"] = False
    secret = people.begin_setup(context=api.app.config["CONTEXT"])
    client = api.app.test_client()
    assert client.get("/", base_url=BASE).status_code == 303
    assert secret not in str(api.app.config["CONTEXT"].people.read())

    link = f"/setup/{secret}"
    short = submit(client, link, link, name="Ana", password="short")
    made = submit(client, link, link, name="ana", password=PASSWORD)

    assert short.status_code == 422
    assert "at least 10 characters" in short.text
    assert made.status_code == 303
    assert client.get("/deployments/new", base_url=BASE).status_code == 200
    for replayed in (client, api.app.test_client()):
        assert replayed.get(f"/setup/{secret}", base_url=BASE).status_code == 404
        assert (
            submit(replayed, f"/setup/{secret}", name="eve", password=PASSWORD).status_code == 404
        )
    assert list(api.app.config["CONTEXT"].people.read().users) == ["ana"]


def test_concurrent_uses_of_the_set_up_link_make_one_operator(settings: Settings) -> None:
    context: AppContext = create_app(settings).config["CONTEXT"]
    secret = people.begin_setup(context=context)

    def make(name: str) -> bool:
        try:
            people.set_up(secret, name, PASSWORD, context=context)
        except LinkExpired:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(make, [f"eve{number}" for number in range(8)]))

    assert made.count(True) == 1
    assert len(context.people.read().users) == 1


def test_an_old_or_guessed_set_up_link_does_not_work(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = Api(create_app(settings))
    context = api.app.config["CONTEXT"]
    replaced = people.begin_setup(context=context)
    secret = people.begin_setup(context=context)

    assert not people.is_setup_valid(context.people.read(), replaced)
    assert not people.is_setup_valid(context.people.read(), "")
    assert not people.is_setup_valid(context.people.read(), secret[:-1])
    assert people.is_setup_valid(context.people.read(), secret)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + people.SETUP_SECONDS + 1)
    assert not people.is_setup_valid(context.people.read(), secret)


def test_adding_a_user_otherwise_disables_the_set_up_link(
    settings: Settings,
) -> None:
    context: AppContext = create_app(settings).config["CONTEXT"]
    secret = people.begin_setup(context=context)
    people.add_user("ana", "operator", PASSWORD, by="the command line", context=context)
    assert not people.is_setup_valid(context.people.read(), secret)

    people.remove_user("ana", by="test", context=context)

    assert not people.is_setup_valid(context.people.read(), secret)


@pytest.mark.parametrize(
    ("whole", "damaged"),
    [("{", "["), ('"operator"', '"owner"'), ('"ana"', '"\\ud800"')],
)
def test_a_damaged_users_file_lets_nobody_in(
    api: Api, context_with_people: AppContext, whole: str, damaged: str
) -> None:
    path = context_with_people.store.root / ".deploy-agent/people.json"
    path.write_text(path.read_text().replace(whole, damaged, 1))

    for answer in (api.page("/"), api.get("schema"), api.get("list")):
        assert answer.status_code == 507
        assert "damaged" in answer.text


def test_the_last_operator_cannot_be_removed(context_with_people: AppContext) -> None:
    with pytest.raises(InputRejected):
        people.remove_user("ana", by="test", context=context_with_people)

    people.remove_user("vic", by="test", context=context_with_people)
    people.remove_user("ana", by="test", context=context_with_people)
