"""One call of Compose: its progress, its failure, and its end together with this process.

Progress is read from Compose's JSON output, which includes the bytes of a pull.
"""

import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Protocol, TypeVar

import psutil

from app.core.operations.compose_events import read_line, text_of
from app.core.operations.layers import Layer, Phase
from app.core.operations.steps import Step

_LAYER_PERCENT = 2
_END_SECONDS = 5.0

T = TypeVar("T")


class ProgressLog(Protocol):
    """Receives Compose's output: log lines, beginnings of steps, and layers of a pull."""

    def say(self, text: str) -> None: ...

    def step(self, step: Step, words: str) -> None: ...

    def layer(self, layer: Layer) -> None: ...


class ComposeFailed(Exception):
    """Compose ended with an error. `output` is Compose's own text and may hold secrets: mask it."""

    def __init__(self, output: str, timed_out: bool = False) -> None:
        super().__init__("Compose failed")
        self.output = output
        self.timed_out = timed_out


def follow_compose(start: Callable[[], Iterable[tuple[str, bytes]]], log: ProgressLog) -> None:
    """Report a call's output while the call runs. Raises ComposeFailed."""
    layers = _Layers(log)

    def consume() -> None:
        for _, line in start():
            read = read_line(line.decode(errors="replace").rstrip())
            if isinstance(read, Layer):
                layers.report(read)
            elif read.begins:
                log.step(read.begins, read.text)
            else:
                log.say(read.text)

    try:
        run_compose(consume)
    except ComposeFailed:
        raise
    except BaseException:
        # The operation is being ended: Compose must not run on after the operation.
        _end_children()
        raise


class _Layers:
    """Reports a layer only when a progress bar would move. Docker reports every half megabyte."""

    def __init__(self, log: ProgressLog) -> None:
        self._log = log
        self._reported: dict[str, tuple[Phase, int]] = {}

    def report(self, layer: Layer) -> None:
        so_far = layer.phase, layer.percent // _LAYER_PERCENT
        if self._reported.get(layer.id) != so_far:
            self._reported[layer.id] = so_far
            self._log.layer(layer)


def _end_children() -> None:
    """End the child processes that are in this session, and no others."""
    session = os.getsid(0)
    children = [each for each in psutil.Process().children(recursive=True) if _is_of(each, session)]
    for child in children:
        with suppress(psutil.NoSuchProcess):
            child.terminate()
    _, left = psutil.wait_procs(children, timeout=_END_SECONDS)
    for child in left:
        with suppress(psutil.NoSuchProcess):
            child.kill()
    psutil.wait_procs(left, timeout=_END_SECONDS)


def _is_of(process: psutil.Process, session: int) -> bool:
    try:
        return os.getsid(process.pid) == session
    except ProcessLookupError:
        return False


def run_compose(call: Callable[[], T]) -> T:
    """Return the result of a call of python-on-whales. Raises ComposeFailed."""
    from python_on_whales.client_config import ClientNotFoundError
    from python_on_whales.exceptions import DockerException

    try:
        return call()
    except ClientNotFoundError:
        raise ComposeFailed("setpriv (util-linux) is not on this host's PATH") from None
    except DockerException as error:
        # The exception's text is the whole command line; the reason is in the command's output.
        timed_out = error.return_code in (124, 137)
        raise ComposeFailed(text_of(error.stderr or ""), timed_out) from None
