"""The process of a batch: updates one deployment after the other, then ends.

`usecases.updates.update_many` starts this process as `python -m app.batch NUMBER LOCK`. The process
holds the lock of the batch's folder, and has a session of its own, so that it outlives the server.
Each update is an operation with its own process and its own lock.
"""

import os
import sys

from app.loading import loading

with loading():
    from app.config import load_settings
    from app.usecases.updates.update_many import perform_batch

if __name__ == "__main__":
    # Child processes must not inherit the lock: they may outlive this process.
    os.set_inheritable(int(sys.argv[2]), False)
    perform_batch(int(sys.argv[1]), load_settings())
