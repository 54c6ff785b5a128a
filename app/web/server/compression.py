"""Answers are compressed, but for those that hold a secret or come bit by bit.

The length of a compressed answer tells something of its content to who listens and can
have the page answer words of theirs (BREACH).
"""

from flask import Flask, Response, g
from flask_compress import Compress


def leave_as_it_is() -> None:
    """Note that the answer of this request must not be compressed (again)."""
    g.left_as_it_is = True


def init_app(app: Flask) -> None:
    app.config.update(COMPRESS_REGISTER=False, COMPRESS_STREAMS=False)
    compress = Compress(app)

    @app.after_request
    def _compress(response: Response) -> Response:
        return response if g.get("left_as_it_is") else compress.after_request(response)
