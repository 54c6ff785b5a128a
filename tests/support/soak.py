"""How long to try: a short form in the suite, everything with `--soak`."""

import pytest


def rounds(config: pytest.Config, short: int, full: int) -> int:
    """Return how many tries are to be made."""
    return full if config.getoption("soak") else short
