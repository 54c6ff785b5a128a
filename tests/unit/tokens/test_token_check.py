"""The token in each of its places is equal, different, absent or unknown, and never shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.settings.openclaw_config import with_token
from app.core.status.readiness import TOKEN_MISMATCH, failed, passed
from app.core.tokens import (
    LABELS,
    TokenCheck,
    TokenComparison,
    TokenMatch,
    TokenPlace,
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
        (None, TokenMatch.ABSENT),
        ({}, TokenMatch.EQUAL),
        (with_token({}, "${OPENCLAW_GATEWAY_TOKEN}"), TokenMatch.EQUAL),
        (with_token({}, "secret"), TokenMatch.EQUAL),
        (with_token({}, "other"), TokenMatch.DIFFERS),
        (with_token({}, "${SOMETHING_ELSE}"), TokenMatch.DIFFERS),
    ],
)
def test_a_config_that_refers_to_the_environments_token_is_equal(
    config: dict[str, object] | None, match: TokenMatch
) -> None:
    assert in_config("secret", config).match is match


@pytest.mark.parametrize(
    ("found", "match"),
    [
        (None, TokenMatch.ABSENT),
        ("", TokenMatch.ABSENT),
        ("secret", TokenMatch.EQUAL),
        ("secreT", TokenMatch.DIFFERS),
    ],
)
def test_a_containers_token_is_compared(found: str | None, match: TokenMatch) -> None:
    assert in_container("secret", found).match is match


@pytest.mark.parametrize(
    ("rungs", "match", "reason"),
    [
        (None, TokenMatch.UNKNOWN, "it did not answer in time"),
        ([*CLIMBED, passed("token")], TokenMatch.EQUAL, ""),
        (
            [*CLIMBED, failed("token", "no", code=TOKEN_MISMATCH)],
            TokenMatch.DIFFERS,
            "it rejects the token of .env",
        ),
        ([*CLIMBED, failed("token", "locked out")], TokenMatch.UNKNOWN, "locked out"),
        ([failed("port", "Nothing answers.")], TokenMatch.UNKNOWN, "Nothing answers."),
        (CLIMBED, TokenMatch.UNKNOWN, ""),
    ],
)
def test_only_a_token_mismatch_means_a_different_token(
    rungs: list[object] | None, match: TokenMatch, reason: str
) -> None:
    assert at_gateway(rungs) == TokenComparison(TokenPlace.GATEWAY, match, reason)  # type: ignore[arg-type]


def a_check(**matches: TokenMatch) -> TokenCheck:
    return TokenCheck(
        tuple(
            TokenComparison(place, matches.get(place.value, TokenMatch.EQUAL))
            for place in TokenPlace
        )
    )


@pytest.mark.parametrize(
    ("matches", "agree", "needs_restart", "words"),
    [
        ({}, True, False, "All places agree, and the gateway accepts the token."),
        ({"config": TokenMatch.DIFFERS}, False, False, "The tokens differ."),
        ({"container": TokenMatch.DIFFERS}, False, True, "The tokens differ."),
        ({"gateway": TokenMatch.DIFFERS}, False, True, "The tokens differ."),
        (
            {"gateway": TokenMatch.UNKNOWN},
            None,
            False,
            "No difference was found, but not every place could be checked.",
        ),
        (
            {"gateway": TokenMatch.UNKNOWN, "config": TokenMatch.DIFFERS},
            False,
            False,
            "The tokens differ.",
        ),
        (
            {"env": TokenMatch.ABSENT, "gateway": TokenMatch.UNKNOWN},
            None,
            False,
            "There is no token",
        ),
    ],
)
def test_places_agree_only_if_all_are_known_and_a_running_difference_needs_a_restart(
    matches: dict[str, TokenMatch], agree: bool | None, needs_restart: bool, words: str
) -> None:
    check = a_check(**matches)

    assert (check.agree, check.needs_restart) == (agree, needs_restart)
    assert check.words.startswith(words)


@given(st.text(), st.text())
def test_tokens_are_equal_if_their_texts_are(one: str, other: str) -> None:
    assert same_token(one, other) is (one == other)
    assert same_token(one, one)


@given(st.text(min_size=4), st.text(min_size=4))
def test_no_comparison_reveals_a_token(token: str, other: str) -> None:
    said = {
        str(in_env(token)),
        str(in_config(token, with_token({}, other))),
        str(in_container(token, other)),
    }

    assert said <= {
        str(each)
        for match in (TokenMatch.EQUAL, TokenMatch.DIFFERS)
        for each in (
            in_env("x"),
            TokenComparison(TokenPlace.CONFIG, match),
            TokenComparison(TokenPlace.CONTAINER, match),
            in_config("x", {}),
        )
    }


def test_every_place_has_a_label_and_may_be_unknown() -> None:
    assert set(LABELS) == set(TokenPlace)
    assert unknown(TokenPlace.CONFIG, "why").label == "config/openclaw.json"
