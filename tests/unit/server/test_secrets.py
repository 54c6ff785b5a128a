"""Masking removes all secrets from a text and keeps other words readable."""

import json
from urllib.parse import quote

from hypothesis import given
from hypothesis import strategies as st

from app.core.secrets import MASK, Masker, masked_hint, secret_values

# A small alphabet, so that secrets often overlap or contain each other.
secrets = st.text("ab$(\\.", min_size=6, max_size=12)
pieces = st.text("ab$(\\. \n", max_size=10)


@given(st.lists(secrets, min_size=1, max_size=5), st.lists(pieces, max_size=5), st.randoms())
def test_secrets_are_masked_at_any_position(known, around, dice) -> None:  # type: ignore[no-untyped-def]
    parts = [*known, *around, *known]
    dice.shuffle(parts)

    masked = Masker(known)("".join(parts))

    assert not [secret for secret in known if secret in masked]


def test_the_longest_secret_is_masked_first() -> None:
    masker = Masker(["secret", "secret-and-more", "secret-and"])

    assert masker("a secret-and-more b secret-and c secret") == f"a {MASK} b {MASK} c {MASK}"


def test_pattern_characters_in_a_search_are_literal() -> None:
    assert Masker(["a.c(d|e)$"])("a.c(d|e)$ abc(d|e)$") == f"{MASK} abc(d|e)$"


def test_a_secret_of_several_lines_is_masked_line_by_line() -> None:
    masker = Masker(["-----BEGIN\nline one\nab"])

    assert masker("| -----BEGIN\n| line one\n| ab") == f"| {MASK}\n| {MASK}\n| ab"


def test_a_secret_is_masked_in_its_json_and_url_encodings_too() -> None:
    secret = 'it\'s "$5" é/\\'
    written = [
        secret,
        json.dumps(secret),
        json.dumps(secret, ensure_ascii=False),
        quote(secret, ""),
    ]

    masked = Masker([secret])("\n".join(written))

    assert masked == f'{MASK}\n"{MASK}"\n"{MASK}"\n{MASK}'


def test_a_short_secret_masks_no_ordinary_words() -> None:
    assert Masker(["abc", "", "12345"])("abc 12345") == "abc 12345"
    assert Masker(["123456"])("123456") == MASK


def test_text_without_secrets_is_unchanged() -> None:
    assert Masker([])("any text") == "any text"


def test_secrets_are_found_in_an_env_by_name_and_by_field() -> None:
    env = {
        "PORT": "30163",
        "TZ": "Europe/Berlin",
        "OPENROUTER_API_KEY": "sk-or-v1-0123",
        "OPENCLAW_GATEWAY_TOKEN": "0123456789",
        "SOME_PASSWORD": "hidden",
        "EMPTY_TOKEN": "",
    }

    assert secret_values(env) == ["sk-or-v1-0123", "0123456789", "hidden"]


def test_a_masked_hint_shows_only_the_end_of_a_long_secret() -> None:
    assert masked_hint("sk-or-v1-0123456789abcdef") == f"{MASK}cdef"
    assert masked_hint("0123456789abcde") == MASK
    assert masked_hint("") == MASK
