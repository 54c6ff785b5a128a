"""The doctor's findings: their order, summary and report, and shell commands to paste."""

import re
import shlex

import pytest
from click import Context
from hypothesis import given
from hypothesis import strategies as st

from app.cli.main import main
from app.config import PROJECT
from app.core.doctor.finding import (
    Area,
    DoctorCheck,
    DoctorFinding,
    DoctorVerdict,
    as_text,
    listed,
    summary,
    worst_first,
)
from app.core.doctor.shell import Shell, on_paths, quoted

CHECK = DoctorCheck("disk", "Disk", Area.HOST, "Why it matters.")
MEMBER = Shell("/srv/deploy agent", "ana", is_root=False, has_sudo=False)
FINDINGS = st.lists(
    st.builds(
        DoctorFinding,
        code=st.text(max_size=5),
        title=st.text(max_size=5),
        area=st.sampled_from(Area),
        verdict=st.sampled_from(DoctorVerdict),
        seen=st.text(max_size=5),
        why=st.just("why"),
    ),
    max_size=5,
)


@given(FINDINGS)
def test_findings_are_sorted_worst_first_and_none_is_lost(findings: list[DoctorFinding]) -> None:
    ordered = worst_first(findings)
    places = [list(DoctorVerdict).index(each.verdict) for each in ordered]

    assert places == sorted(places)
    assert sorted(map(repr, ordered)) == sorted(map(repr, findings))
    assert as_text(findings).splitlines()[0] == summary(findings)


@pytest.mark.parametrize(
    ("verdicts", "said"),
    [
        ((), "Nothing needs attention."),
        (("good",), "Nothing needs attention, 1 is good."),
        (("bad", "good", "good"), "1 thing needs attention, 2 are good."),
        (("bad", "warning", "not known"), "2 things need attention, 1 is not known."),
    ],
)
def test_the_summary_counts_findings(verdicts: tuple[str, ...], said: str) -> None:
    made = {
        "good": CHECK.good("x"),
        "bad": CHECK.bad("x"),
        "warning": CHECK.warning("x"),
        "not known": CHECK.unknown("x"),
    }

    assert summary([made[each] for each in verdicts]) == said


def test_the_report_says_why_and_what_to_do_unless_good() -> None:
    found = [CHECK.good("All is well."), CHECK.bad("It is full.", "Make room.", "du -x\ndf")]

    assert as_text(found) == (
        "1 thing needs attention, 1 is good.\n\n"
        "[bad] Disk: It is full.\n    Why it matters.\n    Make room.\n    $ du -x\n    $ df\n"
        "[good] Disk: All is well."
    )


def test_untrusted_text_is_made_plain() -> None:
    assert CHECK.warning("\x1b[31mred\x07").seen == "red\N{REPLACEMENT CHARACTER}"
    assert listed(["a\nb"]) == "a b"


def test_long_lists_of_names_are_cut_and_counted() -> None:
    assert listed([]) == ""
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert listed([*"abcdefgh"]) == "a, b, c, d, e, f and 2 more"


@given(st.lists(st.text(st.characters(exclude_characters="\0"), min_size=1), min_size=1))
def test_any_path_is_quoted_correctly(paths: list[str]) -> None:
    line = on_paths("chmod go-rwx", paths[:30])
    words = ["chmod", "go-rwx", *paths[:30]]

    for sudo in (True, False):
        as_root = shlex.split(Shell("/srv", "ana", is_root=False, has_sudo=sudo).as_root(line))
        if as_root[:2] in (["sudo", "sh"], ["su", "-c"]):
            assert shlex.split(as_root[-1]) == words
        else:
            assert as_root == ["sudo", *words]
    assert shlex.split(Shell("/srv", "root", is_root=True, has_sudo=True).as_root(line)) == words


def test_our_command_line_is_called_with_the_servers_settings() -> None:
    shell = Shell(
        "/srv/deploy agent",
        "ana",
        is_root=False,
        has_sudo=True,
        settings=(("deployments_dir", "/data/gate ways"),),
        engine="unix:///run/user/1000/docker.sock",
    )

    assert shell.deploy_agent("restart", "0b7a3361be") == (
        "DOCKER_HOST=unix:///run/user/1000/docker.sock"
        " DEPLOY_AGENT_DEPLOYMENTS_DIR='/data/gate ways'"
        " '/srv/deploy agent/deploy-agent' restart 0b7a3361be"
    )
    assert shell.docker("image", "prune").startswith("DOCKER_HOST=unix:///run/user/1000/")
    assert MEMBER.make("setup") == "make -C '/srv/deploy agent' setup"


def test_root_runs_every_command_of_a_line() -> None:
    line = "mkdir -p /a && mv -t /a /b"

    assert Shell("/srv", "ana", False, has_sudo=True).as_root(line) == f"sudo sh -c '{line}'"
    assert MEMBER.as_root(line) == f"su -c '{line}'"


def test_every_verb_in_a_fix_line_exists() -> None:
    sources = [each.read_text() for each in (PROJECT / "app/core/doctor").glob("*.py")]
    called = {verb for text in sources for verb in re.findall(r"deploy_agent\(['\"]([\w-]+)", text)}

    assert {"archive", "restore", "reconfigure", "rotate-token", "user"} <= called
    assert called <= set(main.list_commands(Context(main)))


def test_without_systemd_engine_and_clock_have_fix_lines_too() -> None:
    by_hand = Shell("/srv", "root", True, False, has_apt=True)

    assert by_hand.start_engine() == "/srv/scripts/engine"
    assert by_hand.restart_engine() == (
        "kill -9 $(cat /var/run/docker.pid) && sleep 2 && /srv/scripts/engine"
    )
    assert by_hand.keep_time() == "apt-get install -y chrony"
    assert MEMBER.keep_time() == ""
    assert (PROJECT / "scripts/engine").is_file()


@pytest.mark.parametrize(
    ("engine", "fix"),
    [
        ("unix:///run/user/1001/docker.sock", "systemctl --user restart docker"),
        ("unix:///home/ana/engine.sock", ""),
    ],
)
def test_a_rootless_engine_is_restarted_as_a_user_service(engine: str, fix: str) -> None:
    assert Shell("/srv", "ana", False, True, True, engine=engine).restart_engine() == fix


def test_a_setting_goes_where_the_server_reads_it() -> None:
    service = Shell("/srv", "root", True, False, True, settings_file="/etc/default/deploy-agent")

    assert MEMBER.setting("BIND_ADDRESS", "127.0.0.1") == (
        "export DEPLOY_AGENT_BIND_ADDRESS=127.0.0.1"
    )
    assert service.setting("BIND_ADDRESS", "127.0.0.1") == (
        "echo DEPLOY_AGENT_BIND_ADDRESS=127.0.0.1 >> /etc/default/deploy-agent"
        " && systemctl restart deploy-agent"
    )
    assert quoted("rm", "a b") == "rm 'a b'"
