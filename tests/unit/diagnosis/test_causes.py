"""Every cause in the catalogue matches its own recordings and no recording of other causes.

The recordings of a cause are tests/recorded/<source>/<code>.log and <code>.<anything>.log. A
recording begins with how the failure was staged and, for a gateway, the exit code. After an empty
line follow the original messages.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.diagnosis.catalogue import CATALOGUE, CatalogueEntry, Source
from app.core.diagnosis.causes import (
    Cause,
    check_cause,
    engine_cause,
    exit_cause,
    last_words_of,
    pull_cause,
)
from app.core.diagnosis.fix_lines import FixLineParts, fix_line
from app.core.status.readiness import failed

RECORDED = Path(__file__).parents[2] / "recorded"
VALUE_NAMES = (
    "launch restart stop rotate equalize reconfigure docker start_engine make_setup id config"
    " workspace compose_file image own_image memory free_port"
)
PARTS = FixLineParts(
    {each: each.upper() for each in VALUE_NAMES.split()}, lambda line: f"sudo {line}"
)


@dataclass(frozen=True)
class Recording:
    source: Source
    code: str
    text: str
    exit_code: int | None = None
    out_of_memory: bool = False

    @property
    def cause(self) -> Cause | None:
        if self.source is Source.ENGINE:
            return engine_cause(self.text, PARTS)
        if self.source is Source.PULL:
            return pull_cause(self.text, PARTS)
        assert self.exit_code is not None
        return exit_cause(self.exit_code, self.out_of_memory, self.text.split("\n"), PARTS)

    def fits(self, known: CatalogueEntry) -> bool:
        exits = not known.exits or self.exit_code in known.exits
        same = known.out_of_memory == self.out_of_memory
        return same and exits and bool(known.search(self.text))


def read(path: Path) -> Recording:
    about, _, text = path.read_text().partition("\n\n")
    code, source = path.name.split(".")[0], Source(path.parent.name)
    end = re.search(r"^exit: (\d+)( out of memory)?$", about, re.MULTILINE)
    if end is None:
        return Recording(source, code, text)
    return Recording(source, code, text, int(end[1]), bool(end[2]))


FILES = [path for source in Source for path in sorted((RECORDED / source).glob("*.log"))]
recordings = pytest.mark.parametrize(
    "recording",
    [read(each) for each in FILES],
    ids=[f"{each.parent.name}/{each.stem}" for each in FILES],
)


@recordings
def test_every_recording_has_its_cause(recording: Recording) -> None:
    cause = recording.cause

    assert cause is not None
    assert cause.code == recording.code


@recordings
def test_words_are_complete_and_say_what_to_do(recording: Recording) -> None:
    cause = recording.cause

    assert cause is not None
    assert cause.words.endswith(".")
    assert cause.next_step.endswith(".")
    assert cause.next_step not in cause.words
    assert cause.sentence == f"{cause.words} {cause.next_step}"
    assert "{what" not in cause.sentence + cause.fix
    assert "  " not in cause.fix, "pages and terminals may show them together"


ENTRIES = [
    (source, known)
    for source, catalogue in CATALOGUE.items()
    for known in catalogue
    if source not in (Source.PULL, Source.LADDER) or known not in CATALOGUE[Source.ENGINE]
]


@pytest.mark.parametrize(
    ("source", "known"), ENTRIES, ids=[f"{source}/{known.code}" for source, known in ENTRIES]
)
def test_every_entry_was_recorded_and_matches_first(source: Source, known: CatalogueEntry) -> None:
    if source is Source.LADDER:
        first = [each for each in CATALOGUE[source] if each.search(RUNGS[known.code])]
        assert first[:1] == [known]
        return
    own = [each for each in map(read, FILES) if each.source is source and each.code == known.code]
    counting = [next(filter(each.fits, CATALOGUE[source])) for each in own]

    assert known in counting


RUNGS = {
    "token_missing": "token  There is no token in .env.",
    "token_refused": "token AUTH_TOKEN_MISMATCH The gateway refuses the token of .env.",
    "token_locked_out": "token AUTH_RATE_LIMITED The gateway has locked this host out.",
    "token_unanswered": "token  No answer to the token within 5 s.",
    "connect_refused": "token PROTOCOL_MISMATCH The gateway refuses the connection (PROTOCOL_M…).",
    "config_token_refused": "config_token  The tokens differ.",
    "healthz_refused": "healthz  /healthz gave no answer within 5 s.",
}


@pytest.mark.parametrize("path", sorted((RECORDED / "healthy").glob("*.log")), ids=lambda p: p.stem)
@pytest.mark.parametrize("exit_code", [0, 1, 78, 127, 134, 137, 143])
def test_the_log_of_a_working_gateway_has_no_cause(path: Path, exit_code: int) -> None:
    lines = path.read_text().partition("\n\n")[2].split("\n")

    assert exit_cause(exit_code, False, lines).code == f"exited_{exit_code}"
    assert engine_cause("\n".join(lines)) is None


@pytest.mark.parametrize("exit_code", [0, 2, 139, 143])
@recordings
def test_another_exit_code_is_no_match(recording: Recording, exit_code: int) -> None:
    if recording.source is Source.GATEWAY and not recording.out_of_memory:
        bound = [each for each in CATALOGUE[Source.GATEWAY] if each.exits]
        named = exit_cause(exit_code, False, recording.text.split("\n")).code
        assert named not in {each.code for each in bound}


def test_lines_long_before_the_exit_are_ignored() -> None:
    earlier = "Gateway failed to start: Invalid config at /home/node/.openclaw/openclaw.json:"
    lines = [earlier, *(f"line {number}" for number in range(100))]

    assert exit_cause(78, False, lines).code == "exited_78"


def test_untrusted_text_is_one_word_of_a_fix_line() -> None:
    found = {"what": "x; rm -rf / #$(id)`id`'"}

    line = fix_line(("docker rename {what} {what}-before",), found, PARTS)

    assert line.startswith("docker rename 'x; rm -rf / #$(id)`id`'")
    assert fix_line(("{free_port}",), {}, FixLineParts({"free_port": ""}, str)) == ""
    assert fix_line(("# chown {config}", "{launch}"), {}, PARTS) == "sudo chown CONFIG && LAUNCH"


@pytest.mark.parametrize(
    ("check", "code", "fix"),
    [
        (
            failed("token", "It refuses it.", "Check.", code="AUTH_TOKEN_MISMATCH"),
            "token_refused",
            "EQUALIZE",
        ),
        (
            failed("config_token", "The tokens differ.", "Launch."),
            "config_token_refused",
            "EQUALIZE",
        ),
        (
            failed("token", "There is no token in .env.", "Set it."),
            "token_missing",
            "ROTATE && LAUNCH",
        ),
        (failed("websocket", "No greeting.", "Its log tells."), "websocket_refused", ""),
    ],
)
def test_a_failed_check_keeps_its_own_words(check, code: str, fix: str) -> None:
    cause = check_cause(check, PARTS)

    assert (cause.code, cause.fix) == (code, fix)
    assert (cause.words, cause.next_step) == (check.detail, check.next_step)


def test_the_missing_variable_is_named() -> None:
    cause = engine_cause("required variable OPENCLAW_IMAGE is missing a value: set it in .env")

    assert cause is not None
    assert "OPENCLAW_IMAGE" in cause.words
    assert "OPENCLAW_IMAGE" in cause.next_step


@pytest.mark.parametrize("key", ["bogusKey", "{}", "{what}", "{0!r:>9}", "a{b", "%s"])
def test_the_unknown_key_is_quoted(key: str) -> None:
    cause = exit_cause(78, False, [f'<root>: Unrecognized key: "{key}"'])

    assert f"“{key}”" in cause.words


def test_a_stopped_engine_is_no_missing_image() -> None:
    text = "unable to get image 'x': Cannot connect to the Docker daemon at unix:///x."

    assert engine_cause(text + " No such image: x").code == "engine_unreachable"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "text", ["", "\n", "something new", "{what}", "Error response from daemon: x"]
)
def test_an_unknown_error_has_no_cause(text: str) -> None:
    assert engine_cause(text) is None


def test_an_unknown_exit_shows_the_last_line() -> None:
    cause = exit_cause(3, False, ["one", "  the {last} line  ", "", " "])

    assert cause == Cause("exited_3", "exited with code 3. Its last line: the {last} line", "")


def test_an_exit_with_an_empty_log_says_so() -> None:
    assert exit_cause(3, False, []).words == "exited with code 3. Its log is empty."
    assert exit_cause(-1, False, ["", " "]).code == "exited"


def test_an_exit_with_an_unreadable_log_says_so() -> None:
    cause = exit_cause(78, False, None)

    assert cause == Cause("exited_78", "exited with code 78. Its log can't be read.", "")


def test_a_very_long_last_line_is_cut() -> None:
    assert len(exit_cause(3, False, ["x" * 10_000]).words) < 400


def test_an_out_of_memory_kill_is_recognized() -> None:
    cause = exit_cause(137, True, ["Invalid config at /x", "requires state migration"])

    assert cause.code == "out_of_memory"
    assert "MEMORY_LIMIT" in cause.next_step


@given(st.text(), st.integers(-255, 255), st.booleans())
def test_any_output_has_a_cause_in_plain_text(
    text: str, exit_code: int, out_of_memory: bool
) -> None:
    cause = exit_cause(exit_code, out_of_memory, text.split("\n"))

    assert cause.code
    assert cause.sentence


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("one\ntwo\n\n  \n", "two"),
        (
            " Container x  Starting\n Error response from daemon: y\n",
            "Error response from daemon: y",
        ),
        ("", "Compose failed and gave no message."),
        (" \n\t\n", "Compose failed and gave no message."),
    ],
)
def test_the_last_line_of_output_says_what_failed(text: str, words: str) -> None:
    assert last_words_of(text) == words
