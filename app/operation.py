"""The process of an operation: performs one operation on one deployment, then ends.

`usecases.operations.start` starts this process as `python -m app.operation FOLDER NUMBER LOCK`. The
process holds the deployment's lock through an inherited descriptor, and has a session of its own,
so that it outlives the server.
"""

import os
import sys
from pathlib import Path

from app.loading import loading

with loading():
    from app.config import load_settings
    from app.usecases.operations.perform import perform_operation

if __name__ == "__main__":
    # Child processes must not inherit the lock: they may outlive this process.
    lock = int(sys.argv[3])
    os.set_inheritable(lock, False)
    perform_operation(Path(sys.argv[1]), int(sys.argv[2]), lock, load_settings())
