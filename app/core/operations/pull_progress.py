"""The progress of a pull: what is had of each layer, as a line of an operation's log.

A line reads `layer 7df4b48abd32 downloading 294912/3001169`. Written and read here alone.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

# Downloading is the long part; unpacking gets the rest of a layer's bar.
_DOWNLOAD_SHARE = 0.8


class Phase(StrEnum):
    WAITING = "waiting"
    RETRYING = "retrying"
    DOWNLOADING = "downloading"
    DOWNLOADED = "downloaded"
    EXTRACTING = "extracting"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer of an image, its bytes as far as they are known."""

    id: str
    phase: Phase
    current: int = 0
    total: int = 0

    @property
    def share(self) -> float:
        """How much of it is had, from 0 to 1."""
        part = min(self.current / self.total, 1.0) if self.total else 0.0
        match self.phase:
            case Phase.WAITING | Phase.RETRYING:
                return 0.0
            case Phase.DOWNLOADING:
                return part * _DOWNLOAD_SHARE
            case Phase.DOWNLOADED:
                return _DOWNLOAD_SHARE
            case Phase.EXTRACTING:
                return _DOWNLOAD_SHARE + part * (1 - _DOWNLOAD_SHARE)
            case Phase.DONE:
                return 1.0

    @property
    def percent(self) -> int:
        return int(self.share * 100)


_PHASES = "|".join(Phase)
_LINE = re.compile(rf"layer ([0-9a-f]{{12}}) ({_PHASES}) (\d{{1,15}})/(\d{{1,15}})", re.ASCII)


def layer_line(layer: Layer) -> str:
    return f"layer {layer.id} {layer.phase} {layer.current}/{layer.total}"


def layer_in(line: str) -> Layer | None:
    """Return the layer that a line of a log tells of, or None where it is another line."""
    match = _LINE.fullmatch(line)
    return Layer(match[1], Phase(match[2]), int(match[3]), int(match[4])) if match else None


def layers_of(told: Iterable[Layer]) -> tuple[Layer, ...]:
    """Return each layer as it was told of last, in the order in which they came up.

    Its size is told while it is downloaded, and not any more after that.
    """
    layers: dict[str, Layer] = {}
    for each in told:
        before = layers.get(each.id)
        if before and not each.total:
            had = 0 if each.phase in (Phase.WAITING, Phase.RETRYING) else before.total
            each = replace(each, current=had, total=before.total)
        layers[each.id] = each
    return tuple(layers.values())


def percent_of(layers: Sequence[Layer]) -> int:
    """Return how much of all layers is had; one of a size not known yet counts as the average."""
    if not layers:
        return 0
    sizes = [each.total for each in layers if each.total]
    average = sum(sizes) / len(sizes) if sizes else 1
    weights = [each.total or average for each in layers]
    had = sum(weight * each.share for weight, each in zip(weights, layers, strict=True))
    return int(100 * had / sum(weights))
