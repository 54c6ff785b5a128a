"""How gunicorn serves Deploy Agent: one process, threads, settings from `app/config.py`."""

import gc
import resource
import signal
import sys
import threading

from app.loading import loading

with loading():
    from app.config import is_loopback, load_settings
    from app.engine.client import RemoteEngine, engine_address
    from app.engine.host.network import own_address
    from app.usecases.context import build_context
    from app.usecases.history.incident_recorder import IncidentRecorder
    from app.usecases.people.people import begin_setup, has_users
    from app.usecases.server.startup_log import log_startup
    from app.web.server.log import ACCESS_FORMAT, log_settings

settings = load_settings()
try:
    engine_address()
except RemoteEngine as error:
    sys.exit(str(error))

_host = settings.host.strip("[]")
bind = f"[{_host}]:{settings.port}" if ":" in _host else f"{_host}:{settings.port}"
workers = 1
worker_class = "app.web.server.worker.Worker"
threads = settings.threads
# Each open page, log stream and gateway check holds a connection. A full host needs more than the
# 1024 open files that a process may have at its start.
_, _hard_limit = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (_hard_limit, _hard_limit))
# Waiting requests are dropped at shutdown; operations go on in their own processes.
graceful_timeout = 4
control_socket_disable = True
# Only app/web decides which proxy is trusted, and which of that proxy's headers.
forwarded_allow_ips = ""
forwarder_headers = ""
loglevel = settings.log_level
logconfig_dict = log_settings(settings.log_format, settings.log_level)
access_log_format = ACCESS_FORMAT


def when_ready(server):
    """Print the set-up link if other machines can reach the page and nobody has an account."""
    server.log.info("Deploy Agent is at http://%s", bind)
    context = build_context(settings)
    here_only = _listens_here_only(each.sock for each in server.LISTENERS)
    if (settings.trusted_proxy or not here_only) and not has_users(context):
        name = own_address() if _host in ("0.0.0.0", "::") else _host  # noqa: S104
        host = f"[{name}]" if ":" in name else name
        # Printed on the terminal only: readers of the log must not get the link.
        print(  # noqa: T201
            "Nobody has an account yet. Create the first account within 30 minutes, at"
            f" http://{host}:{settings.port}/setup/{begin_setup(context=context)}",
            file=sys.stderr,
            flush=True,
        )


def post_worker_init(worker):
    """Start the background threads of the server."""
    # A request for the list makes thousands of objects without cycles, and each collection would
    # scan all cached deployments. Cycles, such as in exceptions, are still collected after some
    # hundred thousand objects.
    gc.set_threshold(50_000, 2, 2)
    worker.wsgi.config["OPEN"] = _listens_here_only(each.sock for each in worker.sockets)
    context = worker.wsgi.config["CONTEXT"]
    threading.Thread(target=log_startup, args=(context, worker.log.info), daemon=True).start()
    worker.recorder = IncidentRecorder(context)
    worker.recorder.start()
    context.events.start()
    context.readiness.start()
    _end_streams_with(worker, context)


def worker_exit(server, worker):
    """Stop recording incidents, so that another server on the same folder may record them."""
    if recorder := getattr(worker, "recorder", None):
        recorder.stop()


def _end_streams_with(worker, context):
    """Close the event streams at a stop signal: an open stream holds a thread."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
        before = signal.getsignal(number)

        def end(number, frame, before=before):
            context.live_updates.close()
            context.readiness.stop()
            before(number, frame)

        signal.signal(number, end)


def _listens_here_only(listeners):
    """Return whether only this host can connect, by the open sockets instead of the settings."""
    names = [each.getsockname() for each in listeners]
    return all(not isinstance(name, tuple) or is_loopback(name[0]) for name in names)
