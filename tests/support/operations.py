"""The process of an operation, as recorded in its deployment's folder."""

from pathlib import Path

import psutil

from app.store.operation_process import process_of
from tests.support.waiting import eventually


def operation_process(folder: Path, number: int) -> psutil.Process:
    """Return the process of a running operation, once it has recorded itself."""
    return psutil.Process(eventually(lambda: process_of(folder, number)))
