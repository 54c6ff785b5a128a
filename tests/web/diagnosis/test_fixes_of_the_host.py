"""Fixes of host-wide problems, each run as printed on a separate host.

tests/support/engine/host_fix_tests.py has the tests that run on this host.
"""

import subprocess
from pathlib import Path

import pytest

from tests.support.engine.images import STANDIN
from tests.support.engine.own_host import run_on_own_host, run_with_own_mounts, why_no_host

pytestmark = [pytest.mark.soak, pytest.mark.skipif(bool(why_no_host()), reason=why_no_host())]

_STEPS = "tests/support/engine/host_fix_tests.py"


def test_the_fix_line_installs_compose() -> None:
    run_with_own_mounts(f"{_STEPS}::test_compose_is_gone")


def test_the_fix_line_starts_an_engine_that_died_during_a_launch(tmp_path: Path) -> None:
    image = tmp_path / "image"
    subprocess.run(["docker", "save", "--output", image, STANDIN], check=True)

    run_on_own_host(f"{_STEPS}::test_the_engine_dies", STANDIN_SAVED=str(image))
