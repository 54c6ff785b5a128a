"""Last words are made of whatever the engine says, however long and however odd."""

from app.core.secrets import MASK, Masker
from app.usecases.last_words import last_words_from


def test_a_health_check_that_says_much_and_odd_things_holds_nothing_up() -> None:
    secret = 'a "quoted\\ secret'
    said = f"\x1b[31m{secret}\r{'x' * 4000}"
    health = {"Status": "unhealthy", "Log": [{"Output": said}] * 5}
    state = {"Status": "exited", "ExitCode": 78, "Health": health}

    words = last_words_from("c" * 64, b"", {"State": state}, Masker([secret]))

    assert words.health_output == f"{MASK}\N{REPLACEMENT CHARACTER}{'x' * 4000}"
    assert words.exit_code == 78
    assert words.inspect["State"]["ExitCode"] == 78
