"""The number of tries in a test: few in the suite, all with `--soak`."""

import pytest


def rounds(config: pytest.Config, short: int, full: int) -> int:
    """Return `short` tries, or `full` tries with `--soak`."""
    return full if config.getoption("soak") else short
