"""The browser that is installed, for pictures and tests."""

import shutil

# A page needs no graphics view, and nothing from the network but the page.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
    "--disable-component-update",
    "--disable-sync",
)


def program() -> str:
    """Return Chromium's program: without a window of its own it takes a third of the time."""
    found = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    assert found, "Chromium is not installed; scripts/chromium installs it."
    return found
