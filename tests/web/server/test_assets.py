"""Style, script and icons are small and cached. A changed file gets a new name."""

import gzip
import re

import brotli
import pytest

from app.config import PROJECT
from tests.support.api import Api


def paths(api: Api) -> list[str]:
    """Return the paths of the assets that a page loads."""
    return re.findall(r'(?:href|src)="(/assets/[^"]+)"', api.page("/").text)


def test_a_page_loads_one_style_one_script_and_its_icon(api: Api) -> None:
    loaded = sorted(re.sub("-[0-9a-f]{16}", "", path) for path in paths(api))

    assert loaded == ["/assets/app.css", "/assets/app.js", "/assets/icon.svg"]


def test_script_and_style_are_as_light_as_the_docs_say(api: Api) -> None:
    page = (PROJECT / "docs/performance.md").read_text()
    said = re.search(r"at most (\d+) KB compressed", page)
    sizes = {
        path: len(api.page(path, headers={"Accept-Encoding": "gzip"}).data)
        for path in paths(api)
        if path.endswith((".css", ".js"))
    }

    assert said
    assert sum(sizes.values()) < int(said[1]) * 1000 <= 34_000, sizes


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("", None),
        ("identity", None),
        ("gzip", "gzip"),
        ("gzip, deflate, br, zstd", "br"),
        ("br;q=0.5, gzip", "gzip"),
        ("br;q=0, gzip;q=0", None),
    ],
)
def test_an_asset_is_compressed_as_the_browser_accepts(
    api: Api, accepted: str, coding: str | None
) -> None:
    plain = {None: bytes, "gzip": gzip.decompress, "br": brotli.decompress}[coding]
    style_and_script = [path for path in paths(api) if not path.endswith(".svg")]
    assert len(style_and_script) == 2
    for path in style_and_script:
        answer = api.page(path, headers={"Accept-Encoding": accepted})

        assert answer.headers.get("Content-Encoding") == coding
        assert answer.vary.as_set() == {"accept-encoding"}
        assert plain(answer.data) == api.page(path).data


def test_an_icon_is_too_small_to_gain_by_compression(api: Api) -> None:
    icon = next(path for path in paths(api) if path.endswith(".svg"))

    answer = api.page(icon, headers={"Accept-Encoding": "gzip, br"})

    assert "Content-Encoding" not in answer.headers
    assert answer.vary.as_set() == {"accept-encoding"}


def test_assets_are_cached_and_each_encoding_has_its_own_tag(api: Api) -> None:
    path = next(path for path in paths(api) if path.endswith(".css"))
    answer = api.page(path, headers={"Accept-Encoding": "gzip"})
    tag = answer.headers["ETag"]

    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert api.page(path).headers["ETag"] != tag
    again = api.page(path, headers={"Accept-Encoding": "gzip", "If-None-Match": tag})
    assert again.status_code == 304
    assert again.data == b""


def test_an_unknown_asset_is_not_found(api: Api) -> None:
    path = next(path for path in paths(api) if path.endswith(".css"))

    wrong = path.replace(path[-8:-4], "0000" if path[-8:-4] != "0000" else "1111")
    for each in (wrong, "/assets/app.css", "/assets/../wsgi.py", "/static/css/parts.css"):
        assert api.page(each).status_code == 404, each


def test_every_file_named_in_the_stylesheet_exists(api: Api) -> None:
    style = next(path for path in paths(api) if path.endswith(".css"))

    named = re.findall(r"url\(([^)\"]+)\)", api.page(style).text)

    assert named
    for each in named:
        assert api.page(f"/assets/{each}").status_code == 200, each
