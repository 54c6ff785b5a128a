"""Short texts on pages."""

import pytest

from app.web.page.rendering import image_version

DIGEST = "sha256:" + "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("image", "shown"),
    [
        ("ghcr.io/openclaw/openclaw:2026.9.6", "2026.9.6"),
        ("registry:5000/openclaw:latest", "openclaw:latest"),
        ("registry:5000/openclaw", "openclaw"),
        (f"openclaw:2026.9.6@{DIGEST}", "2026.9.6@0123456789ab"),
        (f"registry:5000/openclaw@{DIGEST}", "openclaw@0123456789ab"),
        ("", ""),
    ],
)
def test_an_image_is_shown_by_its_version(image: str, shown: str) -> None:
    assert image_version(image) == shown
