"""Images: the stable name of an image, and the images of the same repository."""

import pytest

from app.core.updates.images import Image, names_like, repository

DIGEST = f"sha256:{'a' * 64}"
ID = f"sha256:{'b' * 64}"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("openclaw", "openclaw"),
        ("openclaw:2026.9.6", "openclaw"),
        ("ghcr.io/openclaw/openclaw:2026.9.6", "ghcr.io/openclaw/openclaw"),
        (f"ghcr.io/openclaw/openclaw:1@{DIGEST}", "ghcr.io/openclaw/openclaw"),
        ("127.0.0.1:5000/openclaw", "127.0.0.1:5000/openclaw"),
        ("127.0.0.1:5000/openclaw:1", "127.0.0.1:5000/openclaw"),
    ],
)
def test_the_repository_is_the_image_name_without_tag_and_digest(name: str, expected: str) -> None:
    assert repository(name) == expected


def test_an_image_keeps_the_digest_of_its_own_repository() -> None:
    image = Image(ID, digests=(f"mirror/openclaw@{DIGEST}", f"ghcr.io/o/openclaw@{DIGEST}"))

    assert image.pin("ghcr.io/o/openclaw:1") == f"ghcr.io/o/openclaw@{DIGEST}"
    assert image.pin("elsewhere:1") == f"mirror/openclaw@{DIGEST}"


def test_an_image_built_here_has_only_its_id() -> None:
    assert Image(ID, tags=("openclaw:1",)).pin("openclaw:1") == ID


def test_images_of_the_same_repository_are_suggested() -> None:
    images = [Image("1", ("openclaw:2", "other:1")), Image("2", ("openclaw:1",)), Image("3")]

    assert names_like(images, f"openclaw@{DIGEST}") == ["openclaw:1", "openclaw:2"]
