"""The layers of an image during a pull, and how much of each layer has arrived."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

# The download takes longest, so it gets most of a layer's bar. Unpacking gets the rest.
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
    """A layer of an image, with its byte counts as far as they are known."""

    id: str
    phase: Phase
    current: int = 0
    total: int = 0

    @property
    def share(self) -> float:
        """The share of the work that is done, download and unpacking together, from 0 to 1."""
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


def latest_layers(reports: Iterable[Layer]) -> tuple[Layer, ...]:
    """Return the last report of each layer, in the order of the layers' first reports.

    Docker reports a layer's size only during the download, so later reports keep that size.
    """
    layers: dict[str, Layer] = {}
    for each in reports:
        before = layers.get(each.id)
        if before and not each.total:
            arrived = 0 if each.phase in (Phase.WAITING, Phase.RETRYING) else before.total
            each = replace(each, current=arrived, total=before.total)
        layers[each.id] = each
    return tuple(layers.values())


def percent_of(layers: Sequence[Layer]) -> int:
    """Return the percentage of all layers. A layer of unknown size counts as an average layer."""
    if not layers:
        return 0
    sizes = [each.total for each in layers if each.total]
    average = sum(sizes) / len(sizes) if sizes else 1
    weights = [each.total or average for each in layers]
    arrived = sum(weight * each.share for weight, each in zip(weights, layers, strict=True))
    return int(100 * arrived / sum(weights))
