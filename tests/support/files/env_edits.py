"""Manual edits of a deployment's `.env`."""

from pathlib import Path

from app.core.settings.env_file import format_env, parse_env


def edit_env(folder: Path, **values: str) -> None:
    """Rewrite a deployment's `.env` in place, as an editor does."""
    env = parse_env((folder / ".env").read_bytes())
    (folder / ".env").write_text(format_env({**env, **values}))
