"""An operation's process, as recorded in the folder of the deployment."""

from pathlib import Path

import psutil

from app.store.operation_process import process_of
from tests.support.waiting import eventually


def operation_process(folder: Path, number: int) -> psutil.Process:
    """Wait until a running operation has recorded its process, and return the process."""
    return psutil.Process(eventually(lambda: process_of(folder, number)))
