"""What a process loads is kept from its collector, which goes on with everything else."""

import gc
from collections.abc import Iterator

import pytest

from app.loading import loading


@pytest.fixture(autouse=True)
def unfrozen() -> Iterator[None]:
    yield
    gc.unfreeze()


def test_what_is_loaded_is_not_looked_at_again() -> None:
    with loading():
        assert not gc.isenabled()
        loaded = [[]]

    assert gc.isenabled()
    assert not any(each is loaded for each in gc.get_objects())


def test_a_program_that_can_not_be_loaded_leaves_the_collector_on() -> None:
    with pytest.raises(ImportError), loading():
        raise ImportError

    assert gc.isenabled()
