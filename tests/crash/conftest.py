"""Fixtures of the crash tests."""

from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from app.config import Settings
from demo.cleaning import remove_everything_of, remove_project
from tests.support.crash.crash_scenario import CrashScenario


@pytest.fixture
def crashes(
    settings: Settings, tmp_path: Path, engine: docker.APIClient
) -> Iterator[CrashScenario]:
    # The engine may be slow while other tests run.
    crashes = CrashScenario(settings.model_copy(update={"engine_timeout": 9}), tmp_path)
    yield crashes
    remove_project(engine, crashes.id)
    remove_everything_of(settings.deployments_dir)
