"""A path converter for ids, where words are in the same place: `pairing/<id:…>`, `pairing/approve`.

The word belongs to another call, and is never a malformed id: with a method that the other call
does not take, the answer is 405, not 404. Everywhere else the store checks the id.
"""

from flask import Flask
from werkzeug.routing import BaseConverter


class _Id(BaseConverter):
    regex = "[0-9a-f]{10}"


def init_app(app: Flask) -> None:
    app.url_map.converters["id"] = _Id
