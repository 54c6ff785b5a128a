"""Last words of a gateway, even from a long or malformed answer of the engine."""

from app.core.secrets import MASK, Masker
from app.core.text import LONGEST_LINE
from app.usecases.history.last_words import build_last_words, describe_removed
from tests.support.builders import NOW


def test_long_and_odd_health_check_output_blocks_nothing() -> None:
    secret = 'a "quoted\\ secret'
    said = f"\x1b[31m{secret}\r{'x' * 4000}"
    health = {"Status": "unhealthy", "Log": [{"Output": said}] * 5}
    state = {"Status": "exited", "ExitCode": 78, "Health": health}

    words = build_last_words("c" * 64, b"", {"State": state}, Masker([secret]))

    assert words.health_output == f"{MASK}\N{REPLACEMENT CHARACTER}{'x' * 4000}"
    assert words.exit_code == 78
    assert words.inspect["State"]["ExitCode"] == 78


def test_a_secret_at_the_cut_of_a_long_line_is_masked_entirely() -> None:
    secret = "canary-across-the-cut"
    said = "x" * (LONGEST_LINE - 10) + secret

    words = build_last_words("c" * 64, said.encode(), {"Path": said}, Masker([secret]))

    for text in (words.log, words.inspect["Path"]):
        assert text == said.replace(secret, MASK)


def test_a_gateway_that_was_healthy_until_its_exit_is_not_called_unhealthy() -> None:
    """Docker reports every exited container as unhealthy."""

    def health_of(state: str, *exit_codes: int) -> str:
        log = [{"ExitCode": each, "Output": ""} for each in exit_codes]
        inspected = {"State": {"Status": state, "Health": {"Status": "unhealthy", "Log": log}}}
        return build_last_words("c" * 64, b"", inspected, Masker([])).health

    assert health_of("exited", 1, 0) == "healthy"
    assert health_of("exited", 0, 1) == "unhealthy"
    assert health_of("exited") == ""
    assert health_of("running", 0) == "unhealthy"


def test_a_removed_container_is_described_as_it_exited() -> None:
    described = {"Name": "/x", "State": {"Status": "running", "Pid": 1, "Running": True}}

    said = describe_removed(described, 137, NOW)

    assert said["Name"] == "/x"
    assert said["State"]["Status"] == "removed"
    assert said["State"]["ExitCode"] == 137
    assert described["State"]["Status"] == "running"
