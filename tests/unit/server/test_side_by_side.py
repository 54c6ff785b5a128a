"""Looks beside each other: one that hangs holds one thread and nobody else."""

from concurrent.futures import Future
from threading import Event

import pytest

from app.usecases.side_by_side import SideBySide


def test_a_look_that_hangs_holds_no_other_up_and_is_not_begun_twice() -> None:
    looks, release = SideBySide(), Event()

    hanging = looks.begin("hanging", release.wait)

    assert looks.begin("other", lambda: 7).result(10) == 7
    again = looks.begin("hanging", lambda: pytest.fail("it runs already"))
    assert again is hanging
    with pytest.raises(TimeoutError):
        hanging.result(0)

    release.set()

    assert hanging.result(10) is True
    assert looks.begin("hanging", lambda: "anew").result(10) == "anew"


def test_what_a_look_raises_is_raised_where_its_answer_is_wanted() -> None:
    def look() -> None:
        raise OSError("no such disk")

    failed: Future[None] = SideBySide().begin("failing", look)

    with pytest.raises(OSError, match="no such disk"):
        failed.result(10)
