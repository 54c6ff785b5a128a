"""The installed Chromium, for screenshots and browser tests."""

import shutil

# Use no graphics card, and make no network requests except those of the page.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
    "--disable-component-update",
    "--disable-sync",
)


def program() -> str:
    """Return Chromium's program; the headless build, if installed, starts three times as fast."""
    found = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    assert found, "Chromium is not installed; scripts/chromium installs it."
    return found
