"""A separate host for one test: this host, with some resources in separate namespaces.

The test's changes stay in these namespaces. All its processes end with the namespaces.
"""

import os
import shutil
import subprocess
import sys

from app.config import PROJECT

# Mount separate folders for dockerd, and start the loopback device. The shell stays as the first
# process: it adopts and reaps orphaned processes, so that no killed daemon remains as a zombie.
_WITHOUT_ENGINE = """
for each in /run /var/lib/docker /var/log; do mount -t tmpfs none $each || exit; done
ip link set lo up && "$@"
exit $?
"""
_AS_IT_IS = 'exec "$@"'
_SECONDS = 600


def why_no_host() -> str:
    """Return why this machine can't have another host on it, or an empty string."""
    if os.geteuid() != 0:
        return "only root makes namespaces"
    if (PROJECT / ".venv").is_symlink():
        return "this checkout borrows its packages: it can't be set up"
    missing = [each for each in ("dockerd", "ip", "unshare") if not shutil.which(each)]
    return f"not installed: {', '.join(missing)}" if missing else ""


def run_with_own_mounts(test: str, **variables: str) -> None:
    """Run a test that pytest does not collect otherwise, in a separate mount namespace."""
    _run(["--mount"], _AS_IT_IS, test, variables)


def run_on_own_host(test: str, **variables: str) -> None:
    """Run a test without an engine, other processes or a network beyond loopback."""
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
