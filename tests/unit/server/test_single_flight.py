"""At once: one answer for all who ask together, begun after each of them has asked."""

import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from flask import Flask

from app import create_app
from app.config import Settings
from app.web.server.single_flight import at_once
from tests.support.waiting import eventually


class Maker:
    """What is made: a number each time, and each only when it is let through."""

    def __init__(self) -> None:
        self.begun = 0
        self.through = threading.Semaphore(0)

    def make(self, asked: str) -> tuple[str, int]:
        self.begun += 1
        number = self.begun
        assert self.through.acquire(timeout=20)
        if asked == "nothing":
            raise LookupError
        return asked, number


Ask = Callable[[str], Future[tuple[str, int]]]


@pytest.fixture
def app(settings: Settings) -> Flask:
    return create_app(settings)


@pytest.fixture
def maker() -> Maker:
    return Maker()


@pytest.fixture
def ask(app: Flask, maker: Maker) -> Iterator[Ask]:
    made = at_once(maker.make)

    def asked(what: str) -> tuple[str, int]:
        with app.app_context():
            return made(what)

    with ThreadPoolExecutor(8) as pool:
        yield lambda what: pool.submit(asked, what)
        maker.through.release(8)


def waiting() -> int:
    """Return how many threads wait while the answer that they do not get is being made."""
    ends = [frame.f_code for frame in sys._current_frames().values()]
    return sum(
        each.co_name == "get" and each.co_filename.endswith("single_flight.py") for each in ends
    )


def test_who_comes_while_one_is_made_gets_the_next_one_together(ask: Ask, maker: Maker) -> None:
    first = ask("a")
    eventually(lambda: maker.begun == 1)
    later = [ask("a") for _ in range(5)]
    eventually(lambda: waiting() == 5)

    maker.through.release()
    assert first.result(20) == ("a", 1)
    eventually(lambda: maker.begun == 2)
    assert not any(each.done() for each in later)
    maker.through.release()

    assert [each.result(20) for each in later] == [("a", 2)] * 5


def test_nothing_is_kept_for_who_comes_later(ask: Ask, maker: Maker) -> None:
    maker.through.release(2)

    assert ask("a").result(20) == ("a", 1)
    assert ask("a").result(20) == ("a", 2)


def test_who_asks_for_something_else_does_not_wait(ask: Ask, maker: Maker) -> None:
    held = ask("a")
    eventually(lambda: maker.begun == 1)
    other = ask("b")
    eventually(lambda: maker.begun == 2)

    maker.through.release(2)

    assert {held.result(20)[0], other.result(20)[0]} == {"a", "b"}


def test_what_went_wrong_is_told_to_its_own_caller_and_tried_again_for_the_next(
    ask: Ask, maker: Maker
) -> None:
    first = ask("nothing")
    eventually(lambda: maker.begun == 1)
    second = ask("nothing")
    eventually(lambda: waiting() == 1)
    maker.through.release()

    with pytest.raises(LookupError):
        first.result(20)
    eventually(lambda: maker.begun == 2)
    maker.through.release()
    with pytest.raises(LookupError):
        second.result(20)
