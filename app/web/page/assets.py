"""The style, the script and the icons. Each file name contains a hash of the file's content.

The first request joins the files of `static/` and keeps the result in memory. So there is no build
step, and an edit takes effect at the next start. Browsers cache the files forever.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from flask import Blueprint, Response, abort, url_for
from flask.typing import ResponseReturnValue
from htmx_flask import request

from app.config import PROJECT
from app.core.people import Permission
from app.web.server.permissions import needs

bp = Blueprint("assets", __name__, url_prefix="/assets")

_STATIC = PROJECT / "static"
_PICO = "vendor/pico-2.1.1-chosen.min.css"
_HTMX = "vendor/htmx-4.0.1.min.js"
# The style files that come first. Rules in the other files override them, in any order.
_STYLE_FIRST = ("tokens", "layout", "parts")
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
# Comments are a fifth of the compressed size of our own files, so they are not sent.
_COMMENT = re.compile(r"/\*.*?\*/|^\s*//[^\n]*", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as sent to browsers; `file_name` contains a hash of the content."""

    file_name: str
    media_type: str
    content: bytes

    @classmethod
    def of(cls, name: str, content: bytes) -> "Asset":
        stem, suffix = Path(name).stem, Path(name).suffix
        file_name = f"{stem}-{hashlib.sha256(content).hexdigest()[:16]}{suffix}"
        return cls(file_name, _TYPES[suffix], content)


@bp.get("/<file_name>")
@needs(Permission.PUBLIC)
def send(file_name: str) -> ResponseReturnValue:
    """Answer with an asset, which browsers may keep forever."""
    asset = next((each for each in assets().values() if each.file_name == file_name), None)
    if asset is None:
        abort(404)
    response = Response(asset.content, content_type=asset.media_type)
    response.set_etag(file_name)
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return response.make_conditional(request)


def asset_url(name: str) -> str:
    """Return the address of `app.css`, `app.js` or an icon."""
    return url_for("assets.send", file_name=assets()[name].file_name)


@cache
def assets() -> Mapping[str, Asset]:
    """Return all assets by their names in templates."""
    icons = {path.name: Asset.of(path.name, path.read_bytes()) for path in _STATIC.glob("*.svg")}
    return {
        **icons,
        "app.css": Asset.of("app.css", _style(icons).encode()),
        "app.js": Asset.of("app.js", _script().encode()),
    }


def _style(icons: Mapping[str, Asset]) -> str:
    """Return Pico's style in the lowest layer, then our own style, with the icons' sent names."""
    ours = "".join(_code(path) for path in _sources("css", _STYLE_FIRST))
    ours = re.sub(r"url\(\.\./([^)]+)\)", lambda found: f"url({icons[found[1]].file_name})", ours)
    return f"@layer base {{\n{_text(_STATIC / _PICO)}\n}}\n{ours}"


def _script() -> str:
    """Return htmx, then our own scripts, each in a block of its own so that names can't clash."""
    ours = [f"{{\n{_code(path)}}}\n" for path in _sources("js")]
    return "\n".join((_text(_STATIC / _HTMX), *ours))


def _sources(kind: str, first: tuple[str, ...] = ()) -> list[Path]:
    def place(path: Path) -> tuple[int, str]:
        return first.index(path.stem) if path.stem in first else len(first), path.name

    return sorted((_STATIC / kind).glob(f"*.{kind}"), key=place)


def _code(path: Path) -> str:
    """Return one of our own files without comments and indentation."""
    lines = (line.strip() for line in _COMMENT.sub("", _text(path)).splitlines())
    return "".join(f"{line}\n" for line in lines if line)


def _text(path: Path) -> str:
    """Return a file's text as UTF-8, whatever the server's locale."""
    return path.read_text(encoding="utf-8")
