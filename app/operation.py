"""The operation process: does one operation of one deployment, then ends.

Started by `usecases.operations` as `python -m app.operation FOLDER NUMBER LOCK`.
It holds the deployment's lock through an inherited descriptor and lives in a
session of its own, so that it outlives the server that started it.
"""

import os
import sys
from pathlib import Path

from app.loading import loading

with loading():
    from app.config import load_settings
    from app.usecases.operations.perform import perform_operation

if __name__ == "__main__":
    # The lock must stay ours alone: no child may hold it longer than we do.
    lock = int(sys.argv[3])
    os.set_inheritable(lock, False)
    perform_operation(Path(sys.argv[1]), int(sys.argv[2]), lock, load_settings())
