"""The process of a batch: starts the update of one deployment after the other, then ends.

Started by `usecases.update_many` as `python -m app.batch NUMBER LOCK`. It holds the lock on
the batch's folder, and lives in a session of its own, so that it outlives the server. Each
update is an operation of its own, with a process and a lock of its own.
"""

import os
import sys

from app.loading import loading

with loading():
    from app.config import load_settings
    from app.usecases.updates.update_many import perform_batch

if __name__ == "__main__":
    os.set_inheritable(int(sys.argv[2]), False)
    perform_batch(int(sys.argv[1]), load_settings())
