"""The token in its places: equal, differing, absent or not known, and never shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.settings.openclaw_config import with_token
from app.core.status.readiness_checks import TOKEN_MISMATCH, failed, passed
from app.core.tokens import (
    LABELS,
    Compared,
    Match,
    Place,
    TokenCheck,
    at_gateway,
    in_config,
    in_container,
    in_env,
    same_token,
    unknown,
)

CLIMBED = [passed(name) for name in ("port", "healthz", "readyz", "websocket")]


@pytest.mark.parametrize(
    ("config", "match"),
    [
        (None, Match.ABSENT),
        ({}, Match.EQUAL),
        (with_token({}, "${OPENCLAW_GATEWAY_TOKEN}"), Match.EQUAL),
        (with_token({}, "secret"), Match.EQUAL),
        (with_token({}, "other"), Match.DIFFERS),
        (with_token({}, "${SOMETHING_ELSE}"), Match.DIFFERS),
    ],
)
def test_a_configuration_that_takes_the_environments_token_has_the_same(
    config: dict[str, object] | None, match: Match
) -> None:
    assert in_config("secret", config).match is match


@pytest.mark.parametrize(
    ("found", "match"),
    [
        (None, Match.ABSENT),
        ("", Match.ABSENT),
        ("secret", Match.EQUAL),
        ("secreT", Match.DIFFERS),
    ],
)
def test_a_container_has_what_it_was_made_with(found: str | None, match: Match) -> None:
    assert in_container("secret", found).match is match


@pytest.mark.parametrize(
    ("rungs", "match", "reason"),
    [
        (None, Match.UNKNOWN, "it gave no answer in time"),
        ([*CLIMBED, passed("token")], Match.EQUAL, ""),
        (
            [*CLIMBED, failed("token", "no", code=TOKEN_MISMATCH)],
            Match.DIFFERS,
            "it refuses the one of .env",
        ),
        ([*CLIMBED, failed("token", "locked out")], Match.UNKNOWN, "locked out"),
        ([failed("port", "Nothing answers.")], Match.UNKNOWN, "Nothing answers."),
        (CLIMBED, Match.UNKNOWN, ""),
    ],
)
def test_only_a_gateway_that_calls_the_token_wrong_has_another(
    rungs: list[object] | None, match: Match, reason: str
) -> None:
    assert at_gateway(rungs) == Compared(Place.GATEWAY, match, reason)  # type: ignore[arg-type]


def a_check(**matches: Match) -> TokenCheck:
    return TokenCheck(
        tuple(Compared(place, matches.get(place.value, Match.EQUAL)) for place in Place)
    )


@pytest.mark.parametrize(
    ("matches", "agree", "needs_restart", "words"),
    [
        ({}, True, False, "All places agree, and the gateway accepts it."),
        ({"config": Match.DIFFERS}, False, False, "They differ."),
        ({"container": Match.DIFFERS}, False, True, "They differ."),
        ({"gateway": Match.DIFFERS}, False, True, "They differ."),
        ({"gateway": Match.UNKNOWN}, None, False, "No place is known to differ."),
        ({"gateway": Match.UNKNOWN, "config": Match.DIFFERS}, False, False, "They differ."),
        ({"env": Match.ABSENT, "gateway": Match.UNKNOWN}, None, False, "There is no token"),
    ],
)
def test_places_agree_where_all_are_known_and_what_runs_with_another_is_started_anew(
    matches: dict[str, Match], agree: bool | None, needs_restart: bool, words: str
) -> None:
    check = a_check(**matches)

    assert (check.agree, check.needs_restart) == (agree, needs_restart)
    assert check.words.startswith(words)


@given(st.text(), st.text())
def test_two_tokens_are_the_same_where_their_texts_are(one: str, other: str) -> None:
    assert same_token(one, other) is (one == other)
    assert same_token(one, one)


@given(st.text(min_size=4), st.text(min_size=4))
def test_nothing_that_is_said_of_a_place_tells_of_its_token(token: str, other: str) -> None:
    said = {
        str(in_env(token)),
        str(in_config(token, with_token({}, other))),
        str(in_container(token, other)),
    }

    assert said <= {
        str(each)
        for match in (Match.EQUAL, Match.DIFFERS)
        for each in (
            in_env("x"),
            Compared(Place.CONFIG, match),
            Compared(Place.CONTAINER, match),
            in_config("x", {}),
        )
    }


def test_every_place_has_a_name_and_one_may_be_unknown() -> None:
    assert set(LABELS) == set(Place)
    assert unknown(Place.CONFIG, "why").label == "config/openclaw.json"
