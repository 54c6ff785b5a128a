"""Last words are made of whatever the engine says, however long and however odd."""

from app.core.secrets import MASK, Masker
from app.core.text import LONGEST_LINE
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


def test_a_secret_across_the_cut_of_a_long_line_shows_in_no_part() -> None:
    secret = "canary-across-the-cut"
    said = "x" * (LONGEST_LINE - 10) + secret

    words = last_words_from("c" * 64, said.encode(), {"Path": said}, Masker([secret]))

    for text in (words.log, words.inspect["Path"]):
        assert text == said.replace(secret, MASK)
