"""What hurt others of our kind, by class: for each, the tests that would have found it here.

The advisories stand beside their class. A test that is renamed or lost fails here.
"""

import ast
from collections.abc import Iterator

import pytest

from app import create_app
from app.config import PROJECT, Settings
from app.usecases.people.people import HASHER

INCIDENTS: dict[str, tuple[str, ...]] = {
    # Arcane CVE-2026-23520
    "data becomes shell": (
        "unit/project/test_peers_incidents.py::test_nothing_is_given_to_a_shell",
        "engine/test_dialect.py::test_compose_reads_exactly_what_we_wrote",
        "engine/test_dialect.py::test_a_configured_deployment_passes_on_exactly_what_is_set",
    ),
    # Runtipi CVE-2026-24129
    "a file's name becomes shell or a path": (
        "store/test_archive.py::test_what_is_no_archived_deployment_is_not_touched",
        "store/test_archive.py::test_a_link_in_the_archive_is_no_archived_deployment",
        "unit/diagnosis/test_command_lines.py::test_a_folder_of_any_name_is_one_word_of_the_line",
    ),
    # Dokploy CVE-2026-45662 and 45628
    "an image's name becomes shell": (
        "unit/settings/test_fields.py::test_a_rule_refuses_bad_values_with_an_example",
        "web/api/test_bad_input.py::test_a_wrong_field_is_named_and_nothing_is_made",
    ),
    # NemoClaw PR 27
    "an id becomes shell": (
        "web/api/test_bad_input.py::test_an_id_that_names_nothing_is_not_found",
    ),
    # Arcane CVE-2026-47179
    "content is shown before the path is checked": (
        "web/status/test_older_folders.py::test_links_and_pipes_are_neither_followed_nor_waited_on",
        "web/security/test_security.py::test_what_a_folders_files_name_is_never_read_nor_shown",
        "web/api/test_raw_requests.py::test_what_no_browser_sends_has_one_answer_that_repeats_nothing",
    ),
    # Arcane CVE-2026-23944 and 42461
    "a path without a log-in": (
        "web/people/test_permissions.py::test_every_route_that_is_not_public_refuses_strangers",
        "web/people/test_permissions.py::test_a_route_without_a_permission_is_not_answered",
        "web/security/test_every_route.py::test_no_method_asks_a_route_past_the_log_in",
    ),
    # Arcane CVE-2026-40242, OpenClaw CVE-2026-26322
    "a user's address is fetched": (
        "unit/project/test_peers_incidents.py::test_only_those_connect_to_elsewhere_who_are_known_to",
        "web/webhook/test_webhook.py::test_a_test_says_what_came_of_it_and_never_where_it_went",
    ),
    # Arcane CVE-2026-45625 and 47125
    "a role is not asked for": (
        "web/people/test_permissions.py::test_every_route_that_changes_refuses_a_viewer",
        "web/people/test_permissions.py::test_every_route_declares_a_permission",
    ),
    # Coolify CVE-2026-48742, Portainer CVE-2026-44884, Dozzle GHSA-m855-r557-5rc5
    "a list hides what another way shows": (
        "web/security/test_every_route.py"
        "::test_what_is_listed_is_what_each_role_is_shown_in_every_other_way",
    ),
    # Coolify CVE-2025-64423
    "a lesser role sees a secret": (
        "web/people/test_permissions.py::test_a_viewer_sees_no_button_that_is_refused",
        "web/security/test_security.py::test_secrets_are_answered_only_when_revealed_and_that_is_recorded",
    ),
    # Runtipi CVE-2026-31881
    "a window in which no log-in is asked for": (
        "web/people/test_permissions.py::test_the_set_up_link_makes_the_first_operator_once",
        "web/people/test_permissions.py::test_an_old_or_guessed_set_up_link_is_dead",
        "web/people/test_permissions.py::test_two_who_use_the_set_up_link_at_once_are_one_operator",
        "web/people/test_permissions.py::test_a_user_who_is_added_otherwise_ends_the_set_up_link_for_good",
    ),
    # Portainer CVE-2026-44849
    "a second way skips the checks": (
        "unit/settings/test_fields.py::test_a_field_is_judged_alone_as_it_is_among_all",
        "web/settings/test_form.py::test_a_check_says_what_configuring_would_say",
        "web/settings/test_reconfigure.py::test_wrong_input_is_told_by_field_and_changes_nothing",
    ),
    # Portainer CVE-2026-44848
    "the engine is passed through": (
        "unit/project/test_peers_incidents.py::test_no_route_passes_a_path_on",
    ),
    # Portainer CVE-2026-44883, OpenClaw issue 77097
    "a secret in an address": (
        "unit/project/test_peers_incidents.py::test_no_address_holds_a_secret_but_the_set_up_link",
        "web/server/test_server_log.py::test_each_line_is_an_object_that_says_of_which_request_it_is",
        "web/api/test_raw_requests.py::test_what_no_browser_sends_has_one_answer_that_repeats_nothing",
    ),
    # Dozzle GHSA-w7qr-q9fh-fj35
    "a weak hash": ("unit/project/test_peers_incidents.py::test_passwords_are_hashed_slowly",),
    # Dockge f809ae1, and what Komodo and Arcane do with logs
    "text becomes markup": (
        "web/status/test_pages.py::test_names_and_reasons_are_text_and_never_markup",
        "unit/logs/test_terminal_colors.py::test_pieces_together_are_the_clean_text",
        "web/security/test_every_route.py::test_no_pages_markup_has_code_of_its_own_or_needs_another_site",
        "web/security/test_security.py::test_every_answer_carries_the_headers",
    ),
    # Dockge issue 964
    "settings are lost in silence": (
        "engine/test_dialect.py::test_a_configured_deployment_passes_on_exactly_what_is_set",
        "web/settings/test_reconfigure.py"
        "::test_what_was_changed_is_applied_with_a_restart_and_edits_by_hand_stay",
    ),
    # OpenClaw CVE-2026-25593, openclaw-installer, ClawFleet
    "whatever is local is trusted": (
        "web/security/test_security.py::test_a_foreign_host_name_is_refused",
        "web/security/test_security.py::test_a_change_from_another_sites_page_is_refused",
        "web/security/test_every_route.py::test_every_change_from_another_sites_page_is_refused",
        "web/security/test_every_route.py::test_every_route_of_an_open_server_refuses_a_foreign_name",
        "web/api/test_bad_input.py::test_only_json_is_taken",
        "web/cli/test_command_line.py::test_an_address_past_the_settings_is_no_way_around",
        "web/people/test_permissions.py::test_who_is_not_at_this_machine_is_not_let_in_by_an_open_server",
    ),
    # OpenClaw CVE-2026-25253
    "a link leads where somebody else says": (
        "web/people/test_permissions.py::test_a_log_in_leads_to_no_other_site",
        "web/status/test_pages.py::test_the_links_carry_the_name_that_the_reader_used",
        "unit/project/test_peers_incidents.py::test_the_gateway_of_our_choice_has_its_holes_mended",
    ),
    # OpenClaw CVE-2026-53821 and GHSA-rqpp-rjj8-7wv8
    "what a proxy says is believed of anybody": (
        "web/people/test_permissions.py::test_a_proxys_header_is_believed_from_the_proxy_alone",
        "web/people/test_permissions.py"
        "::test_what_a_proxy_passes_on_to_an_open_server_is_nobody_at_this_machine",
        "web/security/test_security.py"
        "::test_behind_tls_browsers_stay_with_it_where_the_trusted_proxy_says_so",
    ),
    # OpenClaw GHSA-m8wm-r5vq-qjpg
    "an old secret goes on opening": (
        "web/tokens/test_tokens.py"
        "::test_a_rotated_token_is_accepted_the_old_one_refused_and_neither_is_written_down",
        "web/people/test_permissions.py::test_a_stolen_cookie_opens_nothing_after_the_log_out",
        "web/security/test_every_route.py"
        "::test_every_open_stream_ends_when_its_reader_is_no_longer_who_they_were",
    ),
}
TESTS = PROJECT / "tests"
# The engine's socket, the webhook that is the operator's own, and the gateways' own ports: no
# address that they connect to is a field's value.
CONNECT = {
    "engine/client.py",
    "engine/gateway/connection.py",
    "engine/latency.py",
    "engine/logs/source.py",
    "engine/gateway/probe.py",
    "engine/webhook.py",
}
NETWORK = {"requests", "websockets", "urllib.request", "http.client", "httpx", "aiohttp"}


@pytest.mark.parametrize("name", INCIDENTS)
def test_each_class_of_incident_has_its_tests(name: str) -> None:
    for each in INCIDENTS[name]:
        file, _, test = each.partition("::")
        tree = ast.parse((TESTS / file).read_text())
        names = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        assert test in names, each


def sources() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted((PROJECT / "app").rglob("*.py")):
        yield str(path.relative_to(PROJECT / "app")), ast.parse(path.read_text())


def _callee(call: ast.Call) -> str:
    return ast.unparse(call.func)


def test_nothing_is_given_to_a_shell() -> None:
    for name, tree in sources():
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


def test_only_those_connect_to_elsewhere_who_are_known_to() -> None:
    connecting = {name for name, tree in sources() if _imported(tree) & NETWORK}

    assert connecting <= CONNECT


def test_no_route_passes_a_path_on(settings: Settings) -> None:
    app = create_app(settings)

    assert [rule.rule for rule in app.url_map.iter_rules() if "<path:" in rule.rule] == []
    for path in ("/plugins/x", "/v1.41/containers/json", "/containers/json", "/api/docker/info"):
        answer = app.test_client().get(path, base_url="http://localhost")
        assert answer.status_code == 404, path


def test_no_address_holds_a_secret_but_the_set_up_link(settings: Settings) -> None:
    rules = create_app(settings).url_map.iter_rules()

    assert {name for rule in rules for name in rule.arguments} == {
        "archived",
        "deployment_id",
        "file_name",
        "identifier",
        "name",
        "number",
        # Dead once it was used, in no log, and never sent on as a referrer.
        "secret",
        "verb",
    }


def test_passwords_are_hashed_slowly() -> None:
    """OWASP's least for argon2id: 19 MiB and two rounds, or more of one for less of the other."""
    assert HASHER.hash("correct horse battery").startswith("$argon2id$")
    assert HASHER.memory_cost >= 19 * 1024
    assert HASHER.time_cost >= 2


def test_the_gateway_of_our_choice_has_its_holes_mended() -> None:
    tag = Settings.model_fields["image"].default.rpartition(":")[2]

    assert tuple(map(int, tag.split("."))) >= (2026, 6, 5)
