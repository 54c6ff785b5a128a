"""An id as a part of an address that words stand in too: `pairing/<id:…>` beside `pairing/approve`.

There the word is the address of another call, never what somebody took for an id: by a
method that this call does not take, it is 405, not 404. Everywhere else the view itself
says what an id looks like.
"""

from flask import Flask
from werkzeug.routing import BaseConverter


class _Id(BaseConverter):
    regex = "[0-9a-f]{10}"


def init_app(app: Flask) -> None:
    app.url_map.converters["id"] = _Id
