"""Hypothesis strategies for any JSON value, and for any place inside a JSON value."""

from typing import Any

from hypothesis import strategies as st

AT = "2026-11-24T10:00:00.000+00:00"
signs = st.characters()  # Includes surrogates: JSON can contain them as escapes, but no page can.
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from(
        [-1, 0, 2**63, 10**30, 1e308, "", "é", "\ud800", "\0", "1", AT, "9999", "a\nb"]
    ),
    st.floats(),
    st.text(signs, max_size=8),
)
json_values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(signs, max_size=4), inner, max_size=3)
    ),
    max_leaves=4,
)


def paths_in(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else []
    inner = enumerate(value) if isinstance(value, list) else inner
    return [path, *(each for key, part in inner for each in paths_in(part, (*path, key)))]


def put_in(value: Any, path: tuple[Any, ...], other: Any) -> Any:
    if not path:
        return other
    copy = value.copy()
    copy[path[0]] = put_in(value[path[0]], path[1:], other)
    return copy
