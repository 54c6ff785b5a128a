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
    from app.usecases.history.incident_recorder import Witness
    from app.usecases.people.people import begin_setup, has_users
    from app.usecases.server.startup_log import announce
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
# A page that follows, a log and a gateway that is looked at each hold a connection: on a
# full host more than the 1024 files that a process usually begins with.
_, _most_files = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (_most_files, _most_files))
# What still waits for a gateway is let go; operations go on in their own processes.
graceful_timeout = 4
control_socket_disable = True
# Who is a proxy, and what of it is believed, is decided in app/web alone.
forwarded_allow_ips = ""
forwarder_headers = ""
loglevel = settings.log_level
logconfig_dict = log_settings(settings.log_format, settings.log_level)
access_log_format = ACCESS_FORMAT


def when_ready(server):
    """Where strangers can reach the page and nobody has an account, print the set-up link."""
    server.log.info("Deploy Agent is at http://%s", bind)
    context = build_context(settings)
    here_only = _listens_here_only(each.sock for each in server.LISTENERS)
    if (settings.trusted_proxy or not here_only) and not has_users(context):
        name = own_address() if _host in ("0.0.0.0", "::") else _host  # noqa: S104
        host = f"[{name}]" if ":" in name else name
        # To the terminal, not to the log: who reads the log must not get in.
        print(  # noqa: T201
            "Nobody has an account yet. Make the first one, within 30 minutes, at"
            f" http://{host}:{settings.port}/setup/{begin_setup(context=context)}",
            file=sys.stderr,
            flush=True,
        )


def post_worker_init(worker):
    """Say what was found, beside the first requests, not before them."""
    # Each list makes thousands of objects and no cycles: the collector would look through all
    # that is known of every deployment in the middle of each. What has cycles, as errors do, is
    # still let go after some hundred thousand objects.
    gc.set_threshold(50_000, 2, 2)
    worker.wsgi.config["OPEN"] = _listens_here_only(each.sock for each in worker.sockets)
    context = worker.wsgi.config["CONTEXT"]
    threading.Thread(target=announce, args=(context, worker.log.info), daemon=True).start()
    worker.witness = Witness(context)
    worker.witness.start()
    context.events.start()
    context.rounds.start()
    _end_streams_with(worker, context)


def worker_exit(server, worker):
    """Let another server witness, with nothing left unwritten."""
    if witness := getattr(worker, "witness", None):
        witness.stop()


def _end_streams_with(worker, context):
    """Let pages that follow along go as soon as the worker is told to end: each holds a thread."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
        before = signal.getsignal(number)

        def end(number, frame, before=before):
            context.changes.close()
            context.rounds.stop()
            before(number, frame)

        signal.signal(number, end)


def _listens_here_only(listeners):
    """Openness follows the address that we really listen on, whatever the settings say."""
    names = [each.getsockname() for each in listeners]
    return all(not isinstance(name, tuple) or is_loopback(name[0]) for name in names)
