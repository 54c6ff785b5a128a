"""An image registry on this host that serves one image, slowly or damaged if a test wants.

Docker Engine accepts a registry on 127.0.0.1 without TLS.
"""

import gzip
import hashlib
import io
import json
import random
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
# Large enough for Docker Engine to report progress.
_SIZES = (600_000, 2_000_000, 1_000)
_LONGEST = 60


class Registry:
    """A registry that sends half of each layer, then waits until `go` is set.

    `begun` is set after half of the first layer was sent. If `spoilt`, second halves are wrong.
    """

    def __init__(self, spoilt: bool = False) -> None:
        self.spoilt = spoilt
        self.begun, self.go = threading.Event(), threading.Event()
        # Random layers, because the engine does not pull layers that it kept from another test.
        layers = [_layer(size) for size in _SIZES]
        config = json.dumps(
            {
                "architecture": "amd64",
                "os": "linux",
                "config": {"Cmd": ["/nothing"]},
                "rootfs": {"type": "layers", "diff_ids": [_digest(raw) for raw, _ in layers]},
            }
        ).encode()
        packed = [each for _, each in layers]
        self.blobs = {_digest(each): each for each in (config, *packed)}
        self.layers = [_digest(each) for each in packed]
        self.manifest = json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": _MANIFEST,
                "config": _described(_CONFIG, config),
                "layers": [_described(_LAYER, each) for each in packed],
            }
        ).encode()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.image = f"127.0.0.1:{self.server.server_port}/openclaw:1"


@contextmanager
def serving(registry: Registry) -> Iterator[Registry]:
    thread = threading.Thread(target=registry.server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield registry
    finally:
        registry.go.set()
        registry.server.shutdown()
        registry.server.server_close()
        thread.join()


def _layer(size: int) -> tuple[bytes, bytes]:
    """Return a layer with one file of random bytes, plain and compressed."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        member = tarfile.TarInfo("noise")
        member.size = size
        archive.addfile(member, io.BytesIO(random.randbytes(size)))
    return file.getvalue(), gzip.compress(file.getvalue(), 1)


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _described(kind: str, data: bytes) -> dict[str, object]:
    return {"mediaType": kind, "digest": _digest(data), "size": len(data)}


def _handler(registry: Registry) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            last = self.path.rpartition("/")[2]
            if self.path == "/v2/":
                self._give(b"{}", "application/json")
            elif "/openclaw/manifests/" in self.path and last in ("1", _digest(registry.manifest)):
                self._give(registry.manifest, _MANIFEST)
            elif last in registry.blobs:
                self._give(registry.blobs[last], "application/octet-stream")
            else:
                self._give(b'{"errors": [{"code": "MANIFEST_UNKNOWN"}]}', "application/json", 404)

        def _give(self, body: bytes, kind: str, status: int = 200) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Docker-Content-Digest", _digest(body))
            self.end_headers()
            if self.command == "HEAD":
                return
            if _digest(body) not in registry.layers:
                self.wfile.write(body)
                return
            half = len(body) // 2
            self.wfile.write(body[:half])
            self.wfile.flush()
            registry.begun.set()
            registry.go.wait(_LONGEST)
            self.wfile.write(bytes(len(body) - half) if registry.spoilt else body[half:])

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    return Handler
