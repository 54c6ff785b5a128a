"""A path converter for ids where other paths have a word: `pairing/<id:…>`, `pairing/approve`.

A word belongs to another call. Without this converter, a word with a wrong method would be treated
as a malformed id: 404 instead of 405. In all other paths the store checks the id.
"""

from flask import Flask
from werkzeug.routing import BaseConverter


class _Id(BaseConverter):
    regex = "[0-9a-f]{10}"


def init_app(app: Flask) -> None:
    app.url_map.converters["id"] = _Id
