"""How much to try: a little in the suite, everything with `--soak`."""

import pytest


def rounds(config: pytest.Config, short: int, full: int) -> int:
    """Return the number of tries."""
    return full if config.getoption("soak") else short
