"""One style, one script and the icons, each under a name that only this content has.

Made for the first page, from `static/`, and kept in memory; compressed when they are asked
for first, which takes longer. Nothing is built beforehand, and what was edited is seen at the
next start. A name never means another content, so browsers keep what they have and never ask
again.
"""

import gzip
import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from threading import Condition

import brotli
import rjsmin
from cachetools import cached
from flask import Blueprint, Response, abort, url_for
from flask.typing import ResponseReturnValue
from htmx_flask import request
from lightningcss import process_stylesheet

from app.config import PROJECT
from app.core.people import Permission
from app.web.server.compression import leave_as_it_is
from app.web.server.permissions import needs

bp = Blueprint("assets", __name__, url_prefix="/assets")

_STATIC = PROJECT / "static"
_PICO = "pico-2.1.1-chosen.min.css"
_LIBRARIES = ("htmx-2.0.11.min.js", "idiomorph-ext-0.7.4.min.js")
# The other subjects follow: they win over these, and their order does not matter.
_STYLE_FIRST = ("tokens", "layout", "parts")
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
# By preference, where a browser takes more than one.
_CODINGS: Mapping[str, Callable[[bytes], bytes]] = {
    "br": brotli.compress,
    "gzip": partial(gzip.compress, mtime=0),
}


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
    """Answer with an asset, to be kept for ever."""
    asset = next((each for each in assets().values() if each.file_name == file_name), None)
    if asset is None:
        abort(404)
    leave_as_it_is()
    coding = request.accept_encodings.best_match(_CODINGS, "identity")
    response = Response(_coded(asset, coding), content_type=asset.media_type)
    if coding != "identity":
        response.content_encoding = coding
    response.set_etag(f"{file_name}-{coding}")
    response.vary.add("Accept-Encoding")
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return response.make_conditional(request)


@cached({}, key=lambda asset, coding: (asset.file_name, coding), condition=Condition())
def _coded(asset: Asset, coding: str) -> bytes:
    """Return an asset in a content coding, which is made once, by one thread for all."""
    return asset.content if coding == "identity" else _CODINGS[coding](asset.content)


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
    licence, _, pico = _text(_STATIC / "vendor" / _PICO).rpartition("*/")
    ours = "".join(_text(path) for path in _sources("css", _STYLE_FIRST))
    style = process_stylesheet(f"@layer base {{ {pico} }} {ours}", filename="app.css")
    style = re.sub(r"url\(\.\./([^)]+)\)", lambda found: f"url({icons[found[1]].file_name})", style)
    return f"{licence}*/{style}"


def _script() -> str:
    """Return the libraries, then ours, each in a block of its own so that names stay apart."""
    libraries = [_text(_STATIC / "vendor" / name) for name in _LIBRARIES]
    ours = [f"{{\n{_text(path)}\n}}" for path in _sources("js")]
    return ";\n".join((*libraries, rjsmin.jsmin("\n".join(ours))))


def _sources(kind: str, first: tuple[str, ...] = ()) -> list[Path]:
    def place(path: Path) -> tuple[int, str]:
        return first.index(path.stem) if path.stem in first else len(first), path.name

    return sorted((_STATIC / kind).glob(f"*.{kind}"), key=place)


def _text(path: Path) -> str:
    """Return a file of ours, whatever the locale that the server was started in."""
    return path.read_text(encoding="utf-8")
