"""Loaded modules are hidden from the garbage collector, which handles all other objects."""

import gc
from collections.abc import Iterator

import pytest

from app.loading import loading


@pytest.fixture(autouse=True)
def unfrozen() -> Iterator[None]:
    yield
    gc.unfreeze()


def test_loaded_modules_are_frozen_for_the_garbage_collector() -> None:
    with loading():
        assert not gc.isenabled()
        loaded = [[]]

    assert gc.isenabled()
    assert not any(each is loaded for each in gc.get_objects())


def test_a_failed_import_leaves_the_garbage_collector_on() -> None:
    with pytest.raises(ImportError), loading():
        raise ImportError

    assert gc.isenabled()
