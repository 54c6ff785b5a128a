"""The `.env` reader and writer by themselves.

tests/engine/test_dialect.py holds these same tables against Compose itself.
"""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.core.settings.env_file import (
    MAX_VALUE_BYTES,
    EnvFileError,
    format_env,
    parse_env,
    value_problem,
    with_value,
)

CANARY = "c4n4ryvalue"

# All of Unicode that Compose can carry: no NUL, no lone surrogates.
text_values = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"))
keys = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,20}", fullmatch=True)


@given(st.dictionaries(keys, text_values, max_size=8))
@example({"A": "it's", "B": 'say "hi"', "C": "a\\nb", "D": "$HOME ${HOME} $$", "E": "\r\n\\"})
@example({"A": " both ends ", "B": "#no comment", "C": "'", "D": '"', "E": "\ufeff", "F": ""})
def test_what_is_written_is_read_back_unchanged(values: dict[str, str]) -> None:
    assert parse_env(format_env(values).encode()) == values


@given(st.dictionaries(keys, text_values, min_size=1, max_size=4))
def test_every_variable_stands_on_one_line(values: dict[str, str]) -> None:
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
def test_a_value_is_quoted_only_as_far_as_it_needs(value: str, written: str) -> None:
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


HAND_WRITTEN = [
    pytest.param("A=1\nB=2", {"A": "1", "B": "2"}, id="no line end at the end"),
    pytest.param("\ufeffA=1\n", {"A": "1"}, id="byte order mark"),
    pytest.param("A=1\r\nB='x'\r\n", {"A": "1", "B": "x"}, id="CRLF"),
    pytest.param("A=1\nA=2\n", {"A": "2"}, id="the last duplicate wins"),
    pytest.param("  A =  1  \n", {"A": "1"}, id="space around"),
    pytest.param("export A=1\nexport\tB=2\n", {"A": "1", "B": "2"}, id="export"),
    pytest.param("exportA=1\n", {"exportA": "1"}, id="export as part of a name"),
    pytest.param("A: 1\nB:2\n", {"A": "1", "B": "2"}, id="colon"),
    pytest.param("A=\nB=2\n", {"A": "", "B": "2"}, id="empty"),
    pytest.param("A=x\x1c\nB=y\u2003\n", {"A": "x\x1c", "B": "y"}, id="what Go calls space"),
    pytest.param("A=b=c:d\n", {"A": "b=c:d"}, id="signs in the value"),
    pytest.param("A=abc # c\n", {"A": "abc"}, id="comment behind a value"),
    pytest.param("A=abc#c\n", {"A": "abc#c"}, id="hash in a value"),
    pytest.param("A=#c\n", {"A": "#c"}, id="hash at a value's start"),
    pytest.param("A='a # b' # c\n", {"A": "a # b"}, id="hash in quotes"),
    pytest.param("# A=1\n#B=2\nC=3 # D=4\n", {"C": "3"}, id="comments"),
    pytest.param("A='$B \\n \\$ \"'\n", {"A": '$B \\n \\$ "'}, id="single quotes are literal"),
    pytest.param("A='it\\'s'\n", {"A": "it's"}, id="escaped single quote"),
    pytest.param('A="\\"x\\" \\\\ \\$y"\n', {"A": '"x" \\ $y'}, id="escapes in double quotes"),
    pytest.param('A="a\\nb\\tc\\rd"\n', {"A": "a\nb\tc\rd"}, id="control escapes"),
    pytest.param(
        'A="\\0101\\0351 \\x41\\c"\n', {"A": "Aé \\x41\\c"}, id="octal, and no other escapes"
    ),
    pytest.param('A="\\012 \\0 \\0999"\n', {"A": "\\12 \\ \\999"}, id="octal that is none"),
    pytest.param("A='two\nlines'\nB=2\n", {"A": "two\nlines", "B": "2"}, id="quoted line end"),
    pytest.param("A=it's\n", {"A": "it's"}, id="a quote inside"),
    pytest.param("A='a'B=2\n", {"A": "a", "B": "2"}, id="a statement behind a quote"),
    pytest.param(
        "a-b=1\n[x]=2\nc.d=3\n9=4\n", {"a-b": "1", "[x]": "2", "c.d": "3", "9": "4"}, id="odd names"
    ),
    pytest.param("Größe=1\n", {"Größe": "1"}, id="letters of any script"),
    pytest.param("A\nB=2\n", {"B": "2"}, id="a bare name inherits nothing"),
    pytest.param("A\rB=2\n", {"A\rB": "2"}, id="a lone carriage return is space"),
    pytest.param("=1\n", {"": "1"}, id="no name"),
    pytest.param("B=2\nA", {"B": "2", "": "A"}, id="a bare name at the very end"),
]


@pytest.mark.parametrize(("text", "variables"), HAND_WRITTEN)
def test_a_hand_written_file_is_read_as_compose_reads_it(
    text: str, variables: dict[str, str]
) -> None:
    assert parse_env(text.encode()) == variables


# What the variables are in whose company each value is expanded.
BEFORE_EXPANSION = "X=x\nEMPTY=\n"
EXPANSIONS = [
    ("$X", "x"),
    ("${X}", "x"),
    ("a${X}b$X.c", "axbx.c"),
    ("$$X $$$$", "$X $$"),
    ("$NONE|${NONE}", "|"),
    ("\\$X", "\\x"),
    ("$9 for 100$ $-", "$9 for 100$ $-"),
    ("${X:-d}|${X-d}", "x|x"),
    ("${NONE:-d}|${NONE-d}", "d|d"),
    ("${EMPTY:-d}|${EMPTY-d}", "d|"),
    ("${X:+y}|${X+y}", "y|y"),
    ("${EMPTY:+y}|${EMPTY+y}", "|y"),
    ("${NONE:+y}|${NONE+y}", "|"),
    ("${X:?m}|${X?m}|${EMPTY?m}", "x|x|"),
    ("${NONE:-${X:-d}}", "x"),
    ("${NONE:-${ALSO:-deep}} and ${X}", "deep and x"),
    ("${NONE:-a-b:-c?}", "a-b:-c?"),
    ("'$X ${X:-d}'", "$X ${X:-d}"),
    ('"$X \\$X ${NONE:-\\"d\\"}"', 'x $X "d"'),
    ("${NONE:?m}", None),
    ("${EMPTY:?m}", None),
    ("${NONE?m}", None),
    ("${", None),
    ("${}", None),
    ("${X", None),
    ("${X.Y}", None),
    # Compose expands what stands behind an operator, wanted or not.
    ("${X:-${9}}", None),
    ("${X:?${NONE?m}}", None),
    ("${NONE:+${NONE?m}}", None),
]


@pytest.mark.parametrize(("value", "expanded"), EXPANSIONS)
def test_variables_in_a_value_are_expanded_as_compose_does(
    value: str, expanded: str | None
) -> None:
    data = (BEFORE_EXPANSION + f"A={value}\n").encode()

    if expanded is None:
        with pytest.raises(EnvFileError, match=r"^line 3: "):
            parse_env(data)
    else:
        assert parse_env(data)["A"] == expanded


def test_an_expanded_value_is_not_expanded_again() -> None:
    assert parse_env(b"X='$Y'\nY=no\nA=$X\n")["A"] == "$Y"


def test_a_bare_name_and_a_reference_come_from_the_environment() -> None:
    variables = parse_env(b"A\nB=${A}\nC=file\nD=$C\n", {"A": "outside", "C": "outside"})

    assert variables == {"A": "outside", "B": "outside", "C": "file", "D": "outside"}


MALFORMED = [
    pytest.param(f"A=1\nB='{CANARY}\nC=2\n".encode(), 2, id="single quote"),
    pytest.param(f'A=1\n\n# c\nB="{CANARY}\n'.encode(), 4, id="double quote"),
    pytest.param(f"B='{CANARY}\\'\n".encode(), 1, id="escaped closing quote"),
    pytest.param(f"A='x\ny'\nB='{CANARY}".encode(), 3, id="behind a quoted line end"),
    pytest.param(f"A=1\n{CANARY} B=2\n".encode(), 2, id="space in a name"),
    pytest.param(f"A=1\n{CANARY};=2\n".encode(), 2, id="sign in a name"),
    pytest.param(f"A=1\r\nB='x' {CANARY}@\r\n".encode(), 2, id="text behind a quote"),
    pytest.param(f"A=1\nB=${{{CANARY}.x}}\n".encode(), 2, id="no expression"),
    pytest.param(f"A=1\nB=${{A {CANARY}\n".encode(), 2, id="unclosed expression"),
    pytest.param(f"A=1\nB={CANARY}${{Q?{CANARY}}}\n".encode(), 2, id="required variable"),
    pytest.param(f"A=1\nB={CANARY}".encode() + b"\xe9\n", None, id="no UTF-8"),
]


@pytest.mark.parametrize(("data", "line"), MALFORMED)
def test_an_error_names_the_line_and_no_value(data: bytes, line: int | None) -> None:
    with pytest.raises(EnvFileError) as caught:
        parse_env(data)

    assert CANARY not in str(caught.value)
    if line is not None:
        assert str(caught.value).startswith(f"line {line}: ")


@given(st.text(st.sampled_from("AB=:'\"\\$ \n\r\t#{}?-+.é\u2003\x1c0"), max_size=40))
def test_any_text_is_read_or_refused_with_its_line(text: str) -> None:
    try:
        variables = parse_env(text.encode())
    except EnvFileError as error:
        assert str(error).startswith("line ")
    else:
        assert all(isinstance(value, str) for value in variables.values())


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        parse_env(data)
    except EnvFileError as error:
        assert str(error)


def test_many_expressions_on_a_line_are_read() -> None:
    assert parse_env(b"A=" + b"${N:-x}." * 5_000) == {"A": "x." * 5_000}


def test_expressions_nested_without_end_are_refused_with_their_line() -> None:
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
def test_a_value_that_compose_cannot_carry_is_refused(value: str, problem: str) -> None:
    assert value_problem(value) == problem
    with pytest.raises(EnvFileError, match=f"^A_KEY {problem}$"):
        format_env({"A_KEY": value})


def test_the_longest_value_is_still_written() -> None:
    longest = "x" * MAX_VALUE_BYTES

    assert value_problem(longest) is None
    assert format_env({"A": longest}) == f"A={longest}\n"


@pytest.mark.parametrize("key", ["", "1A", "A-B", "A B", "A=B", "Ä", "A\n", "A\nB=1", "export A"])
def test_a_name_that_no_shell_takes_is_not_written(key: str) -> None:
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
def test_one_value_is_changed_and_every_other_byte_stays(text: str, changed: str) -> None:
    assert with_value(text.encode(), "PORT", "9") == changed.encode()


@given(st.dictionaries(keys, text_values, min_size=1, max_size=6), text_values, st.data())
def test_a_changed_value_is_read_back_beside_all_others(
    values: dict[str, str], value: str, data: st.DataObject
) -> None:
    key = data.draw(st.sampled_from(sorted(values)))

    changed = with_value(format_env(values).encode(), key, value)

    assert parse_env(changed) == {**values, key: value}


@pytest.mark.parametrize("data", [b"PORT='open\n", b"\xff", b"A B=1\n"])
def test_a_file_that_is_not_understood_is_not_changed(data: bytes) -> None:
    with pytest.raises(EnvFileError):
        with_value(data, "PORT", "9")
