"""A host of a test's own: this one, with some of what all share of it made the test's own.

What a command changes there it changes there alone, and all that it started ends with it.
"""

import os
import shutil
import subprocess
import sys

from app.config import PROJECT

# Dockerd's own places, and a loopback of that host. Its first process takes in what lost its
# parent: a daemon that was killed is gone then, and not only dead.
_WITHOUT_ENGINE = """
for each in /run /var/lib/docker /var/log; do mount -t tmpfs none $each || exit; done
ip link set lo up && "$@"
exit $?
"""
_AS_IT_IS = 'exec "$@"'
_SECONDS = 600


def why_no_host() -> str:
    """Return why this machine can't have another host on it, or nothing."""
    if os.geteuid() != 0:
        return "only root makes namespaces"
    if (PROJECT / ".venv").is_symlink():
        return "this checkout borrows its packages: it can't be set up"
    missing = [each for each in ("dockerd", "ip", "unshare") if not shutil.which(each)]
    return f"not installed: {', '.join(missing)}" if missing else ""


def run_with_own_mounts(test: str, **variables: str) -> None:
    """Run a test that pytest does not collect by itself where what it mounts is mounted."""
    _run(["--mount"], _AS_IT_IS, test, variables)


def run_on_own_host(test: str, **variables: str) -> None:
    """Run one where there is no engine, no other process, and no network but its own."""
    _run(["--mount", "--pid", "--mount-proc", "--net"], _WITHOUT_ENGINE, test, variables)


def _run(own: list[str], first: str, test: str, variables: dict[str, str]) -> None:
    pytest = [sys.executable, "-m", "pytest", "-n0", "-p", "no:cacheprovider", "--tb=short", test]
    done = subprocess.run(
        ["unshare", *own, "--fork", "--kill-child", "sh", "-c", first, "sh", *pytest],
        cwd=PROJECT,
        env={**os.environ, **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
