"""Users, their sessions, and API tokens: `deployments/.deploy-agent/people.json`, mode 0600.

Secrets are stored as hashes only: passwords as argon2, the random secrets of sessions, tokens and
the set-up link as SHA-256.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from app.core.errors import StorageFailed
from app.core.people import Role
from app.core.records import Seconds, read_record
from app.store.file_writes import write_file
from app.store.files import AGENT_DIR, MAX_BYTES, Unreadable, agent_dir, read_file
from app.store.locks import waiting_for


@dataclass(slots=True)
class Session:
    """A log-in: its end (seconds since 1970), and the only client address that may use it.

    A browser sends cookies to every port of a host, so a gateway that a person opens receives the
    session's cookie. The gateway, whose address differs, can't use the cookie.
    """

    ends_at: Seconds
    address: str


@dataclass(slots=True)
class User:
    """A user. `password` is a hash; `sessions` has the hash of a session's secret as key."""

    role: Role
    password: str = field(repr=False)
    sessions: dict[str, Session] = field(default_factory=dict, repr=False)


@dataclass(slots=True)
class Token:
    """An API token. Times are in seconds since 1970."""

    name: str
    role: Role
    hash: str = field(repr=False)
    made_by: str
    made_at: Seconds
    used_at: Seconds | None = None


@dataclass(slots=True)
class Setup:
    """The one-time set-up link, with which the first operator creates an account."""

    hash: str = field(repr=False)
    ends_at: Seconds


@dataclass(slots=True)
class People:
    users: dict[str, User] = field(default_factory=dict)
    tokens: dict[str, Token] = field(default_factory=dict)
    setup: Setup | None = None


class PeopleStore:
    """Reads are cached until the file changes; one process at a time changes the file."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._path = root / AGENT_DIR / "people.json"
        self._cached: tuple[Any, People] = (None, People())

    def read(self) -> People:
        """Return all users and tokens. Raises StorageFailed if the file is damaged: then nobody can
        log in.
        """
        try:
            status = os.stat(self._path)
        except FileNotFoundError:
            return People()
        signature = (status.st_mtime_ns, status.st_size, status.st_ino)
        if self._cached[0] != signature:
            self._cached = (signature, self._parsed())
        return self._cached[1]

    @contextmanager
    def changing(self) -> Iterator[People]:
        """Yield all users and tokens for changes, and save them if the block succeeds.

        Raises StorageFailed, OSError.
        """
        self._root.mkdir(parents=True, exist_ok=True)
        with waiting_for(agent_dir(self._root)):
            people = self._parsed() if self._path.exists() else People()
            yield people
            data = json.dumps(asdict(people), indent=1).encode()
            if len(data) > MAX_BYTES:
                raise StorageFailed("There are too many users and tokens. Remove some first.")
            write_file(self._path, data)

    def _parsed(self) -> People:
        try:
            return read_record(People, read_file(self._path))
        except (ValueError, Unreadable) as error:
            raise StorageFailed(
                f"{self._path} is damaged, so nobody can log in. Restore it from a copy."
            ) from error
