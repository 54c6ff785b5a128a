"""Compresses responses, except streams and responses that contain a secret.

The length of a compressed response reveals parts of a secret to an eavesdropper who can make the
page repeat chosen text (the BREACH attack).
"""

from flask import Flask, Response, g
from flask_compress import Compress
from htmx_flask import request

# The preferred coding is first.
_CODINGS = ["br", "gzip"]
# At level 5 the result is smaller than gzip's, in the same time. At the default of 4 it is larger.
_BROTLI_LEVEL = 5


def leave_uncompressed() -> None:
    """Leave the response to this request uncompressed."""
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
            # flask-compress would use a coding even if the browser excludes it with q=0.
            response.vary.add("Accept-Encoding")
            return response
        return compress.after_request(response)
