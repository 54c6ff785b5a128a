"""The process of an operation, as it has noted itself in its deployment's folder."""

from pathlib import Path

import psutil

from app.store.operation_process import process_of
from tests.support.waiting import eventually


def operation_process(folder: Path, number: int) -> psutil.Process:
    """Return the process of an operation that runs, once it has noted itself."""
    return psutil.Process(eventually(lambda: process_of(folder, number)))
