"""The `.env` reader and writer without Compose.

tests/engine/test_dialect.py checks the same tables against Compose itself.
"""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.core.settings.env_file import (
    MAX_VALUE_BYTES,
    format_env,
    parse_env,
    value_problem,
    with_value,
)
from app.core.settings.env_parser import EnvFileError
from tests.support.files.env_samples import (
    BEFORE_EXPANSION,
    CANARY,
    EXPANSIONS,
    HAND_WRITTEN,
    MALFORMED,
)

# All Unicode characters that Compose can pass on: all but NUL and lone surrogates.
text_values = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"))
keys = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,20}", fullmatch=True)


@given(st.dictionaries(keys, text_values, max_size=8))
@example({"A": "it's", "B": 'say "hi"', "C": "a\\nb", "D": "$HOME ${HOME} $$", "E": "\r\n\\"})
@example({"A": " both ends ", "B": "#no comment", "C": "'", "D": '"', "E": "\ufeff", "F": ""})
def test_written_values_read_back_unchanged(values: dict[str, str]) -> None:
    assert parse_env(format_env(values).encode()) == values


@given(st.dictionaries(keys, text_values, min_size=1, max_size=4))
def test_every_variable_is_on_one_line(values: dict[str, str]) -> None:
    written = format_env(values)

    assert written.count("\n") == len(values)
    assert "\r" not in written


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("", "A=\n"),
        ("sk-or-v1-0123abc", "A=sk-or-v1-0123abc\n"),
        ("https://host:8000/a%20b,c+d=e@f", "A=https://host:8000/a%20b,c+d=e@f\n"),
        ("Support bot", "A='Support bot'\n"),
        ('"quoted" $5 #1', "A='\"quoted\" $5 #1'\n"),
        ("Größe", "A='Größe'\n"),
        ("it's", 'A="it\'s"\n'),
        ("it's $5", 'A="it\'s \\$5"\n'),
        ("C:\\dir", 'A="C:\\\\dir"\n'),
        ("two\nlines", 'A="two\\nlines"\n'),
        ("carriage\r", 'A="carriage\\r"\n'),
    ],
)
def test_a_value_is_quoted_only_if_needed(value: str, written: str) -> None:
    assert format_env({"A": value}) == written


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("\n\r\n \t\n", id="only space"),
        pytest.param("# a comment\n  # and another", id="only comments"),
        pytest.param("\ufeff", id="only a byte order mark"),
    ],
)
def test_a_file_without_statements_has_no_variables(text: str) -> None:
    assert parse_env(text.encode()) == {}


@pytest.mark.parametrize(("text", "variables"), HAND_WRITTEN)
def test_a_hand_written_file_is_read_as_compose_reads_it(
    text: str, variables: dict[str, str]
) -> None:
    assert parse_env(text.encode()) == variables


@pytest.mark.parametrize(("value", "expanded"), EXPANSIONS)
def test_variables_are_expanded_as_compose_expands_them(value: str, expanded: str | None) -> None:
    data = (BEFORE_EXPANSION + f"A={value}\n").encode()

    if expanded is None:
        with pytest.raises(EnvFileError, match=r"^line 3: "):
            parse_env(data)
    else:
        assert parse_env(data)["A"] == expanded


def test_an_expanded_value_is_not_expanded_again() -> None:
    assert parse_env(b"X='$Y'\nY=no\nA=$X\n")["A"] == "$Y"


def test_a_bare_name_and_a_reference_use_the_environment() -> None:
    variables = parse_env(b"A\nB=${A}\nC=file\nD=$C\n", {"A": "outside", "C": "outside"})

    assert variables == {"A": "outside", "B": "outside", "C": "file", "D": "outside"}


@pytest.mark.parametrize(("data", "line"), MALFORMED)
def test_an_error_names_the_line_and_no_value(data: bytes, line: int | None) -> None:
    with pytest.raises(EnvFileError) as caught:
        parse_env(data)

    assert CANARY not in str(caught.value)
    if line is not None:
        assert str(caught.value).startswith(f"line {line}: ")


@given(st.text(st.sampled_from("AB=:'\"\\$ \n\r\t#{}?-+.é\u2003\x1c0"), max_size=40))
def test_any_text_is_parsed_or_rejected_with_its_line(text: str) -> None:
    try:
        variables = parse_env(text.encode())
    except EnvFileError as error:
        assert str(error).startswith("line ")
    else:
        assert all(isinstance(value, str) for value in variables.values())


@given(st.binary(max_size=60))
def test_any_bytes_are_parsed_or_rejected(data: bytes) -> None:
    try:
        parse_env(data)
    except EnvFileError as error:
        assert str(error)


def test_many_expressions_on_a_line_are_parsed() -> None:
    assert parse_env(b"A=" + b"${N:-x}." * 5_000) == {"A": "x." * 5_000}


def test_deeply_nested_expressions_are_rejected_with_their_line() -> None:
    nested = b"A=1\nB=" + b"${N:-" * 1_000 + b"}" * 1_000

    with pytest.raises(EnvFileError, match=r"^line 2: .* nested too deeply"):
        parse_env(nested)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("a\0b", "must not contain a NUL byte"),
        ("a\ud800b", "must be valid Unicode text"),
        ("x" * (MAX_VALUE_BYTES + 1), "must be at most 32 KiB long"),
        ("€" * (MAX_VALUE_BYTES // 3 + 1), "must be at most 32 KiB long"),
    ],
    ids=["NUL", "lone surrogate", "too long", "too long in bytes"],
)
def test_a_value_that_compose_cannot_pass_on_is_rejected(value: str, problem: str) -> None:
    assert value_problem(value) == problem
    with pytest.raises(EnvFileError, match=f"^A_KEY {problem}$"):
        format_env({"A_KEY": value})


def test_the_longest_allowed_value_is_written() -> None:
    longest = "x" * MAX_VALUE_BYTES

    assert value_problem(longest) is None
    assert format_env({"A": longest}) == f"A={longest}\n"


@pytest.mark.parametrize("key", ["", "1A", "A-B", "A B", "A=B", "Ä", "A\n", "A\nB=1", "export A"])
def test_an_invalid_variable_name_is_rejected(key: str) -> None:
    with pytest.raises(EnvFileError):
        format_env({key: "x"})


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        ("# ours\nPORT=1\nB=2\n", "# ours\nPORT=9\nB=2\n"),
        ("PORT=1 # taken by hand\r\nB=2\r\n", "PORT=9 # taken by hand\r\nB=2\r\n"),
        ("\ufeffexport PORT='1'\n", "\ufeffexport PORT=9\n"),
        ('PORT: "1"\nB="two\nlines"', 'PORT: 9\nB="two\nlines"'),
        ("PORT=1\nPORT=2\n", "PORT=1\nPORT=9\n"),
        ("PORT=\nB=2", "PORT=9\nB=2"),
        ("A=5\nPORT=${A}1\n", "A=5\nPORT=9\n"),
        ("B=2", "B=2\nPORT=9\n"),
        ("PORT\nB=2\n", "PORT\nB=2\nPORT=9\n"),
        ("", "PORT=9\n"),
    ],
)
def test_a_change_keeps_every_other_byte(text: str, changed: str) -> None:
    assert with_value(text.encode(), "PORT", "9") == changed.encode()


@given(st.dictionaries(keys, text_values, min_size=1, max_size=6), text_values, st.data())
def test_a_changed_value_reads_back_with_all_others(
    values: dict[str, str], value: str, data: st.DataObject
) -> None:
    key = data.draw(st.sampled_from(sorted(values)))

    changed = with_value(format_env(values).encode(), key, value)

    assert parse_env(changed) == {**values, key: value}


@pytest.mark.parametrize("data", [b"PORT='open\n", b"\xff", b"A B=1\n"])
def test_an_invalid_env_file_is_not_changed(data: bytes) -> None:
    with pytest.raises(EnvFileError):
        with_value(data, "PORT", "9")
