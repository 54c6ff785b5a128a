"""Steps of older operations, which recorded no steps: found in the lines of their logs."""

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime

from app.core.operations.layers import Layer, Phase
from app.core.operations.progress import Record, StepBegan
from app.core.operations.steps import Step
from app.core.records import parse_moment

_FIRST_LINES = tuple(
    (re.compile(pattern), step)
    for pattern, step in (
        (r"docker compose config\b", Step.CHECK),
        (r"docker compose pull\b", Step.PULL),
        (r"Preparing the data folders", Step.FOLDERS),
        (r"docker compose (?:up|unpause)\b", Step.CREATE),
        (r"Container \S+ Starting\Z", Step.START),
        (r"Waiting for the gateway to answer", Step.ANSWERS),
        (r"The gateway answers; waiting until it is ready", Step.READY),
        (r"Writing \S+ into (?:config/|\.env)|config/openclaw\.json allows ", Step.WRITE),
        (r"docker compose restart\b", Step.RESTART),
        (r"docker compose stop\b", Step.STOP),
        (r"Keeping its last words", Step.LAST_WORDS),
        (r"docker compose down\b", Step.REMOVE),
        (r"Moving the folder to the archive", Step.MOVE),
        (r"Setting the state aside", Step.COPY),
        (r"Writing \.env and docker-compose\.yml", Step.WRITE),
        (r"Going back from", Step.BACK),
        (r"Writing a new token into \.env", Step.TOKEN),
        (r"Asking whether the old token is refused", Step.REFUSED),
    )
)
_LAYER = re.compile(
    rf"layer ([0-9a-f]{{12}}) ({'|'.join(Phase)}) (\d{{1,15}})/(\d{{1,15}})", re.ASCII
)


def records_in(lines: Iterable[tuple[str, str]]) -> Iterator[Record]:
    """Yield a record for each line, (time, text), that begins a step or reports a layer.

    Any other line is yielded as its text.
    """
    for time, text in lines:
        step, at = _step(text), _moment(time)
        if step and at:
            yield StepBegan(step, at)
        else:
            yield layer_in(text) or text


def layer_in(line: str) -> Layer | None:
    """Return the layer that a line reports, such as `layer 7df4b48abd32 downloading 294/3001`."""
    match = _LAYER.fullmatch(line)
    return Layer(match[1], Phase(match[2]), int(match[3]), int(match[4])) if match else None


def _step(text: str) -> Step | None:
    return next((step for pattern, step in _FIRST_LINES if pattern.match(text)), None)


def _moment(text: str) -> datetime | None:
    with suppress(ValueError):
        return parse_moment(text)
    return None
