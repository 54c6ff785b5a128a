"""`.env` files with the values that they mean, to compare our reader with Compose."""

import pytest

CANARY = "c4n4ryvalue"
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
# The variables to which the values below refer.
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
    # Compose expands a default or alternative value even if it does not use that value.
    ("${X:-${9}}", None),
    ("${X:?${NONE?m}}", None),
    ("${NONE:+${NONE?m}}", None),
]
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
