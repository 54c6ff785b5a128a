"""One style, one script and the icons, each under a name that changes with its content.

Joined from the files in `static/` for the first page and kept in memory: nothing is built
beforehand, and an edit shows at the next start. Browsers keep a file and never ask again.
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
# The other style files win over these, and their own order does not matter.
_STYLE_FIRST = ("tokens", "layout", "parts")
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
# A fifth of what our own files weigh compressed is comments.
_COMMENT = re.compile(r"/\*.*?\*/|^\s*//[^\n]*", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Asset:
    """One file under the name by which it is sent."""

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
    """Return every asset by the name that templates use."""
    icons = {path.name: Asset.of(path.name, path.read_bytes()) for path in _STATIC.glob("*.svg")}
    return {
        **icons,
        "app.css": Asset.of("app.css", _style(icons).encode()),
        "app.js": Asset.of("app.js", _script().encode()),
    }


def _style(icons: Mapping[str, Asset]) -> str:
    """Return Pico in the lowest layer, then ours, naming icons as they are sent."""
    ours = "".join(_code(path) for path in _sources("css", _STYLE_FIRST))
    ours = re.sub(r"url\(\.\./([^)]+)\)", lambda found: f"url({icons[found[1]].file_name})", ours)
    return f"@layer base {{\n{_text(_STATIC / _PICO)}\n}}\n{ours}"


def _script() -> str:
    """Return htmx, then ours, each file in a block of its own so that names stay apart."""
    ours = [f"{{\n{_code(path)}}}\n" for path in _sources("js")]
    return "\n".join((_text(_STATIC / _HTMX), *ours))


def _sources(kind: str, first: tuple[str, ...] = ()) -> list[Path]:
    def place(path: Path) -> tuple[int, str]:
        return first.index(path.stem) if path.stem in first else len(first), path.name

    return sorted((_STATIC / kind).glob(f"*.{kind}"), key=place)


def _code(path: Path) -> str:
    """Return a file of ours without comments and indentation."""
    lines = (line.strip() for line in _COMMENT.sub("", _text(path)).splitlines())
    return "".join(f"{line}\n" for line in lines if line)


def _text(path: Path) -> str:
    """Return a file's text, whatever the locale that the server was started in."""
    return path.read_text(encoding="utf-8")
