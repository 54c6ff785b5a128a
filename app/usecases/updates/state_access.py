"""Access to a gateway's state: by this process if allowed, else by a temporary root container."""

from pathlib import Path

from app.engine.compose import run_as_root
from app.store.update_files import STATE, DirectAccess, StateAccess, may_access_state

_SECONDS = 60.0
# The limit for copying a state of many gigabytes on a slow disk.
COPY_SECONDS = 1800.0

# Run by the image's own node. No link is followed, even though the gateway is down.
_SIZE = f"""
const fs = require("fs");
const size = (path) => {{
  const found = fs.lstatSync(path);
  const inside = found.isDirectory() ? fs.readdirSync(path) : [];
  return inside.reduce((sum, name) => sum + size(`${{path}}/${{name}}`), found.blocks * 512);
}};
process.stdout.write(String(size("/deployment/{STATE}")));
"""
_COPY = """
const fs = require("fs"), CLONE = fs.constants.COPYFILE_FICLONE;
const copy = (from, to) => {
  const found = fs.lstatSync(from);
  if (found.isDirectory()) {
    fs.mkdirSync(to);
    for (const name of fs.readdirSync(from)) copy(`${from}/${name}`, `${to}/${name}`);
  } else if (found.isSymbolicLink()) fs.symlinkSync(fs.readlinkSync(from), to);
  else if (found.isFile()) fs.copyFileSync(from, to, CLONE);
  else return;
  fs.lchownSync(to, found.uid, found.gid);
  if (found.isSymbolicLink()) return fs.lutimesSync(to, found.atime, found.mtime);
  fs.chmodSync(to, found.mode & 0o7777);
  fs.utimesSync(to, found.atime, found.mtime);
};
copy("/deployment/%s", "/deployment/%s");
"""
_MOVE = 'require("fs").renameSync("/deployment/%s", "/deployment/%s");'
# With retries, since a leftover container may still write there.
_REMOVE = 'require("fs").rmSync("/deployment/%s", {recursive: true, maxRetries: 5});'


class ContainerAccess:
    """Access by a temporary root container of the gateway's image. Calls raise ComposeFailed."""

    def __init__(self, folder: Path, image: str) -> None:
        self._folder, self._image = folder, image

    def size(self) -> int:
        return int(run_as_root(self._image, self._folder, _SIZE, _SECONDS))

    def copy(self, target: str) -> None:
        run_as_root(self._image, self._folder, _COPY % (STATE, target), COPY_SECONDS)

    def move(self, source: str, target: str) -> None:
        run_as_root(self._image, self._folder, _MOVE % (source, target), _SECONDS)

    def remove(self, target: str) -> None:
        run_as_root(self._image, self._folder, _REMOVE % target, COPY_SECONDS)


def state_access(folder: Path, image: str) -> StateAccess:
    """Return the access to a deployment's state; `image` must be on this host."""
    if may_access_state(folder):
        return DirectAccess(folder, COPY_SECONDS)
    return ContainerAccess(folder, image)
