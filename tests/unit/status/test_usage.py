"""Usage is computed from two engine answers, as in `docker stats`."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.status.usage import Usage, usage_between

MIB = 2**20


def a_sample(used: int, passed: int, usage: int = 300 * MIB, **details: int) -> dict[str, Any]:
    return {
        "cpu_stats": {
            "cpu_usage": {"total_usage": used},
            "system_cpu_usage": passed,
            "online_cpus": 4,
        },
        "memory_stats": {"usage": usage, "limit": 2048 * MIB, "stats": details},
    }


def test_cpu_usage_is_relative_to_one_processor() -> None:
    usage = usage_between(a_sample(1_000, 10_000), a_sample(1_500, 14_000))

    assert usage == Usage(50, 300 * MIB, 2048 * MIB)


@pytest.mark.parametrize("name", ["inactive_file", "total_inactive_file"])
def test_reclaimable_page_cache_does_not_count_as_used_memory(name: str) -> None:
    usage = usage_between(a_sample(0, 0), a_sample(0, 4, **{name: 100 * MIB}))

    assert usage is not None
    assert usage.memory_bytes == 200 * MIB


def test_usage_of_a_stopped_or_restarted_container_is_unknown() -> None:
    ended = {"cpu_stats": {"cpu_usage": {"total_usage": 0}}, "memory_stats": {}}

    assert usage_between(a_sample(1, 1), ended) is None
    assert usage_between(a_sample(9_000, 10_000), a_sample(10, 20_000)) is None
    assert usage_between(a_sample(1, 5), a_sample(2, 5)) is None


JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=3),
    lambda inner: st.dictionaries(
        st.sampled_from(["cpu_stats", "cpu_usage", "total_usage", "memory_stats", "usage"]), inner
    ),
)


@given(st.dictionaries(st.sampled_from(["cpu_stats", "memory_stats"]), JSON))
def test_no_answer_of_the_engine_breaks_the_report(answer: dict[str, Any]) -> None:
    assert usage_between(a_sample(0, 0), answer) is None
