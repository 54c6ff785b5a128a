"""The data folders of a deployment and their `openclaw.json`, prepared before a launch."""

from pathlib import Path
from typing import Any

from app.core.deployment import Deployment
from app.core.settings.file_changes import label_of
from app.core.settings.fingerprints import IN_CONFIG
from app.core.settings.openclaw_config import (
    ConfigUnreadable,
    format_config,
    origins_in,
    parse_config,
    seed_config,
    token_in,
    with_settings,
    with_token,
)
from app.core.snapshot import Container
from app.engine.compose import run_as_root
from app.store import data_folders
from app.store.file_writes import write_file
from app.store.files import AGENT_DIR, Unreadable
from app.usecases.context import AppContext
from app.usecases.operations.operation_context import OperationContext

_SECONDS = 60
_STAGED = "openclaw.json.staged"

# Run by the image's own node, as root in a temporary container. The gateway may change its folders
# while a script runs, so read, chown and write only by descriptors opened without following links:
# otherwise, a link put in a file's place would be followed.
_READ = """
const fs = require("fs"), {O_RDONLY, O_NOFOLLOW, O_NONBLOCK} = fs.constants;
let file;
try {
  file = fs.openSync("/deployment/config/openclaw.json", O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
} catch {
  process.exit(0);
}
if (fs.fstatSync(file).isFile()) process.stdout.write(fs.readFileSync(file));
"""
_GIVE = """
const fs = require("fs"), {O_RDONLY, O_NOFOLLOW, O_DIRECTORY} = fs.constants;
const give = (path) => {
  const folder = fs.openSync(path, O_RDONLY | O_NOFOLLOW | O_DIRECTORY);
  fs.fchownSync(folder, 1000, 1000);
  for (const each of fs.readdirSync(`/proc/self/fd/${folder}`, {withFileTypes: true})) {
    const inside = `/proc/self/fd/${folder}/${each.name}`;
    if (each.isDirectory()) give(inside);
    else fs.lchownSync(inside, 1000, 1000);
  }
  fs.closeSync(folder);
};
for (const name of ["config", "workspace"]) give(`/deployment/${name}`);
"""
_INSTALL = f"""
const fs = require("fs"), {{O_RDONLY, O_NOFOLLOW, O_DIRECTORY}} = fs.constants;
const config = fs.openSync("/deployment/config", O_RDONLY | O_NOFOLLOW | O_DIRECTORY);
const inside = `/proc/self/fd/${{config}}`, fresh = `${{inside}}/openclaw.json.new`;
fs.rmSync(fresh, {{force: true}});
const file = fs.openSync(fresh, "wx", 0o600);
fs.writeFileSync(file, fs.readFileSync("/deployment/{AGENT_DIR}/{_STAGED}"));
fs.fchownSync(file, 1000, 1000);
fs.fsyncSync(file);
fs.renameSync(fresh, `${{inside}}/openclaw.json`);
"""


def prepare_data_folders(op: OperationContext, image: str) -> None:
    """Create both data folders, write `openclaw.json`, make the gateway's user their owner.

    `image` must be on this host. Raise ComposeFailed if the temporary container can't run, OSError.
    """
    folder = op.folder
    for made in data_folders.make_missing(folder):
        op.say(f"Made the missing folder {made}/")
    if op.deployment.token or IN_CONFIG & set(op.deployment.changed):
        _write_config(op, image)
    if data_folders.belong_to_gateway(folder):
        return
    op.say("Giving config/ and workspace/ to the gateway's user, uid 1000")
    if data_folders.may_change_owner():
        data_folders.give_to_gateway(folder)
    else:
        run_as_root(image, folder, _GIVE, _SECONDS)


def _write_config(op: OperationContext, image: str) -> None:
    """Write the token and other values changed in `.env` into `openclaw.json`; no other key."""
    try:
        data = read_openclaw_config(op.folder, image)
        text, written = config_for(op.deployment, data)
    except (ConfigUnreadable, Unreadable) as error:
        op.say(f"Leaving the token in config/openclaw.json as it is: {error}")
        return
    if text != data:
        op.say(f"Writing {written} of .env into config/openclaw.json")
        write_openclaw_config(op.folder, image, text)


def config_for(deployment: Deployment, data: bytes) -> tuple[bytes, str]:
    """Return the next launch's `openclaw.json`, and the names of the values written into it.

    The origins of the gateway's own page follow the port. The model and similar values are written
    only if `.env` has changed since the last launch, so that values set by hand in `openclaw.json`
    stay. Raise ConfigUnreadable.
    """
    if not data:
        env = {"OPENCLAW_GATEWAY_TOKEN": "", **deployment.env}
        return format_config(seed_config(env, ())), "the token"
    before = parse_config(data)
    changed = IN_CONFIG & set(deployment.changed)
    config = with_settings(before, deployment.env, {"PORT", *changed})
    written = [label_of(key) for key in sorted(changed)] or ["the port"] * (config != before)
    if deployment.token and token_in(config) not in (None, deployment.token):
        config = with_token(config, deployment.token)
        written.insert(0, "the token")
    return (format_config(config), ", ".join(written)) if config != before else (data, "")


def image_for(deployment: Deployment, gateway: Container | None, context: AppContext) -> str:
    """Return an image on this host for containers that access the gateway's files."""
    asked = deployment.env.get("OPENCLAW_IMAGE") or context.settings.image
    return gateway.image if gateway else asked


def read_openclaw_config(folder: Path, image: str, seconds: float = _SECONDS) -> bytes:
    """Return `openclaw.json`, even if only the gateway may read the file; empty if it is missing.

    Raise Unreadable, ComposeFailed.
    """
    if data_folders.may_access_config(folder):
        return data_folders.read_config(folder) or b""
    return run_as_root(image, folder, _READ, seconds).encode()


def write_openclaw_config(folder: Path, image: str, text: bytes) -> None:
    """Rewrite `openclaw.json`, even if only the gateway may write it.

    Raise ComposeFailed, OSError.
    """
    if data_folders.may_access_config(folder):
        data_folders.write_config(folder, text)
    else:
        _install_as_root(folder, image, text)


def _install_as_root(folder: Path, image: str, text: bytes) -> None:
    staged = folder / AGENT_DIR / _STAGED
    try:
        write_file(staged, text)
        run_as_root(image, folder, _INSTALL, _SECONDS)
    finally:
        staged.unlink(missing_ok=True)


def tokens_equal(deployment: Deployment, folder: Path) -> bool | None:
    """Return whether `openclaw.json` has the token of `.env`; None if we may not read the file."""
    config = _own_config(folder)
    return None if config is None else token_in(config) in (None, deployment.token)


def allowed_origins(folder: Path, port: int) -> tuple[str, ...] | None:
    """Return the origins that `openclaw.json` allows; None if we may not read the file."""
    config = _own_config(folder)
    return None if config is None else origins_in(config, port)


def _own_config(folder: Path) -> dict[str, Any] | None:
    """Return `openclaw.json` if this process may read it, else None. Start no container."""
    try:
        if not data_folders.may_access_config(folder):
            return None
        data = data_folders.read_config(folder)
        return {} if data is None else parse_config(data)
    except (OSError, Unreadable, ConfigUnreadable):
        return None
