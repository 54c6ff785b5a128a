"""The shell of this host: what a command needs so that it works when pasted into a terminal."""

from pathlib import Path

from app.config import PROJECT, Settings
from app.core.doctor.shell import Shell
from app.engine.client import DEFAULT_ADDRESS
from app.engine.host import machine
from app.usecases.context import AppContext

_SERVICE = Path("/etc/systemd/system/deploy-agent.service")
_SERVICE_SETTINGS = "/etc/default/deploy-agent"
# The settings that a pasted command needs to act on the same deployments in the same way.
_NEEDED_SETTINGS = (
    "deployments_dir",
    "image",
    "port_range",
    "bind_address",
    "subnet_pool",
    "memory_limit",
    "launch_timeout",
    "pull_timeout",
    "stop_timeout",
)


def shell_of(context: AppContext) -> Shell:
    own_service = machine.has_systemd() and _SERVICE.is_file()
    return Shell(
        project=str(PROJECT),
        user=machine.user_name(),
        is_root=machine.is_root(),
        has_sudo=machine.has_program("sudo"),
        has_systemd=machine.has_systemd(),
        has_apt=machine.has_program("apt-get"),
        settings=_changed_settings(context.settings),
        settings_file=_SERVICE_SETTINGS if own_service else "",
        engine="" if is_host_engine(context.address) else context.address,
    )


def is_host_engine(address: str) -> bool:
    """Return whether an engine is the host's system service, not a user's or a test's engine."""
    return address in (DEFAULT_ADDRESS, DEFAULT_ADDRESS.replace("/var/run", "/run"))


def _changed_settings(settings: Settings) -> tuple[tuple[str, str], ...]:
    """Return the settings that differ from their defaults."""
    values, fields = settings.as_environment(), type(settings).model_fields
    return tuple(
        (name, values[f"DEPLOY_AGENT_{name.upper()}"])
        for name in _NEEDED_SETTINGS
        if getattr(settings, name) != fields[name].default
    )
