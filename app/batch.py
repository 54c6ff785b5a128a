"""The process of a batch: updates one deployment after the other, then ends.

`usecases.updates.update_many` starts it as `python -m app.batch NUMBER LOCK`. It holds the lock
of the batch's folder, and has a session of its own, so that it outlives the server. Each update
is an operation with a process and a lock of its own.
"""

import os
import sys

from app.loading import loading

with loading():
    from app.config import load_settings
    from app.usecases.updates.update_many import perform_batch

if __name__ == "__main__":
    # No child may hold the lock longer than this process does.
    os.set_inheritable(int(sys.argv[2]), False)
    perform_batch(int(sys.argv[1]), load_settings())
