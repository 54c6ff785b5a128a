"""Answers are compressed, except those that hold a secret or come bit by bit.

The length of a compressed answer tells something about its content to an eavesdropper who can
make the page repeat words of theirs (BREACH).
"""

from flask import Flask, Response, g
from flask_compress import Compress
from htmx_flask import request

# By preference.
_CODINGS = ["br", "gzip"]
# Smaller than gzip and as fast; at the library's usual 4 it is larger than gzip.
_BROTLI_LEVEL = 5


def leave_uncompressed() -> None:
    """Note that the answer to this request must not be compressed."""
    g.is_uncompressed = True


def init_app(app: Flask) -> None:
    app.config.update(
        COMPRESS_REGISTER=False,
        COMPRESS_STREAMS=False,
        COMPRESS_ALGORITHM=_CODINGS,
        COMPRESS_BR_LEVEL=_BROTLI_LEVEL,
    )
    compress = Compress(app)

    @app.after_request
    def _compress(response: Response) -> Response:
        if g.get("is_uncompressed"):
            return response
        if not request.accept_encodings.best_match(_CODINGS):
            # flask-compress would use a coding that the browser excludes with q=0.
            response.vary.add("Accept-Encoding")
            return response
        return compress.after_request(response)
