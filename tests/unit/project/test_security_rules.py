"""Security rules for all source files, so that no new code can break them unnoticed.

docs/security.md describes the incidents in similar projects behind these rules.
"""

import ast
from collections.abc import Iterator

from app import create_app
from app.config import PROJECT, Settings
from app.usecases.people.people import HASHER

# Only these modules may open connections: to the engine's socket, the operator's webhook and the
# gateways' ports. No address comes from a field.
CONNECTING_MODULES = {
    "engine/client.py",
    "engine/gateway/handshake.py",
    "engine/pairing/connection.py",
    "engine/latency.py",
    "engine/logs/source.py",
    "engine/webhook.py",
}
NETWORK_LIBRARIES = {"requests", "websockets", "urllib.request", "http.client", "httpx", "aiohttp"}


def _sources() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted((PROJECT / "app").rglob("*.py")):
        yield str(path.relative_to(PROJECT / "app")), ast.parse(path.read_text())


def _callee(call: ast.Call) -> str:
    return ast.unparse(call.func)


def test_no_command_goes_through_a_shell() -> None:
    for name, tree in _sources():
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            where = f"{name}:{call.lineno}"
            assert _callee(call) not in ("os.system", "os.popen", "eval", "exec"), where
            assert not _callee(call).startswith(("subprocess.getoutput", "os.spawn")), where
            shell = [word.value for word in call.keywords if word.arg == "shell"]
            assert all(isinstance(each, ast.Constant) and not each.value for each in shell), where
            if _callee(call).startswith("subprocess.") and call.args:
                assert not isinstance(call.args[0], ast.Constant | ast.JoinedStr), where


def _imported(tree: ast.Module) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {each.name for each in node.names}
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, node.module.partition(".")[0]}
    return found


def test_only_known_modules_open_connections() -> None:
    connecting = {name for name, tree in _sources() if _imported(tree) & NETWORK_LIBRARIES}

    assert connecting <= CONNECTING_MODULES


def test_no_route_passes_a_path_on_to_the_engine(settings: Settings) -> None:
    app = create_app(settings)

    assert [rule.rule for rule in app.url_map.iter_rules() if "<path:" in rule.rule] == []
    for path in ("/plugins/x", "/v1.41/containers/json", "/containers/json", "/api/docker/info"):
        answer = app.test_client().get(path, base_url="http://localhost")
        assert answer.status_code == 404, path


def test_no_url_contains_a_secret_except_the_set_up_link(settings: Settings) -> None:
    rules = create_app(settings).url_map.iter_rules()

    assert {name for rule in rules for name in rule.arguments} == {
        "archived",
        "deployment_id",
        "file_name",
        "identifier",
        "name",
        "number",
        # The secret in the set-up link is valid once, not logged, and never sent as a referrer.
        "secret",
        "verb",
    }


def test_passwords_are_hashed_slowly() -> None:
    """OWASP's minimum for argon2id is 19 MiB of memory and two rounds."""
    assert HASHER.hash("correct horse battery").startswith("$argon2id$")
    assert HASHER.memory_cost >= 19 * 1024
    assert HASHER.time_cost >= 2


def test_the_default_gateway_image_has_the_known_security_fixes() -> None:
    tag = Settings.model_fields["image"].default.rpartition(":")[2]

    assert tuple(map(int, tag.split("."))) >= (2026, 6, 5)
