"""Names for clones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.settings.clone_name import next_name
from app.core.settings.field_rules import name_rule


@pytest.mark.parametrize(
    ("name", "taken", "following"),
    [
        ("", [], ""),
        ("Support bot", [], "Support bot 2"),
        ("Support bot", ["Support bot", "Support bot 2"], "Support bot 3"),
        ("Support bot 2", ["Support bot 2"], "Support bot 3"),
        ("Support bot 9", ["Support bot 10"], "Support bot 11"),
        ("7", [], "7 2"),
        ("Bot٣", [], "Bot٣ 2"),
        ("x" * 80, [], "x" * 78 + " 2"),
    ],
)
def test_a_clone_gets_the_next_free_number(name: str, taken: list[str], following: str) -> None:
    assert next_name(name, taken) == following


@given(st.text(min_size=1, max_size=80), st.sets(st.text(), max_size=3))
def test_any_name_gets_a_valid_new_one(name: str, taken: set[str]) -> None:
    following = next_name(name, {*taken, name})

    assert following not in {*taken, name}
    assert name_rule(following) is None
