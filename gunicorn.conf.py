"""How gunicorn serves Deploy Agent: one process, threads, settings from `app/config.py`."""

import sys
import threading

from app.config import is_loopback, load_settings
from app.engine.client import RemoteEngine, engine_address
from app.usecases.announce import announce

settings = load_settings()
try:
    engine_address()
except RemoteEngine as error:
    sys.exit(str(error))

_host = settings.host.strip("[]")
bind = f"[{_host}]:{settings.port}" if ":" in _host else f"{_host}:{settings.port}"
workers = 1
worker_class = "gthread"
threads = settings.threads
# What still waits for a gateway is let go; operations go on in their own processes.
graceful_timeout = 4
control_socket_disable = True
loglevel = settings.log_level
# The path alone: a query may hold what somebody typed.
accesslog = "-" if settings.log_level == "debug" else None
access_log_format = "%(m)s %(U)s %(s)s %(L)ss %({x-request-id}o)s"


def when_ready(server):
    """Refuse to serve strangers: without users, only this machine may reach the page."""
    for listener in server.LISTENERS:
        name = listener.sock.getsockname()
        if isinstance(name, tuple) and not is_loopback(name[0]):
            server.log.error(
                "Deploy Agent was not started on %s: it has no log-in yet, so it listens on"
                " this machine's own addresses only. Use 127.0.0.1 and an SSH tunnel.",
                name[0],
            )
            server.halt(exit_status=1)
    server.log.info("Deploy Agent is at http://%s", bind)


def post_worker_init(worker):
    """Say what was found, beside the first requests, not before them."""
    world = worker.wsgi.config["WORLD"]
    threading.Thread(target=announce, args=(world, worker.log.info), daemon=True).start()
