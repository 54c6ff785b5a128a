"""Users, their sessions, and scripts' tokens: `deployments/.deploy-agent/people.json`, 0600.

Holds no secret that opens anything: passwords as argon2 hashes, the random
secrets of sessions, tokens and the set-up link as SHA-256.
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
from app.store.files import MAX_BYTES, Unreadable, agent_dir, read_file
from app.store.locks import waiting_for


@dataclass(slots=True)
class Session:
    """A log-in: until when it is good (seconds since 1970), and from which address.

    A browser sends a cookie to every port of a host, so each gateway that somebody
    opens gets it too: from the gateway's own address it must open nothing.
    """

    ends_at: Seconds
    address: str


@dataclass(slots=True)
class User:
    """`sessions` are by the hash of their secret."""

    role: Role
    password: str = field(repr=False)
    sessions: dict[str, Session] = field(default_factory=dict, repr=False)


@dataclass(slots=True)
class Token:
    """A script's token. Times in seconds since 1970."""

    name: str
    role: Role
    hash: str = field(repr=False)
    made_by: str
    made_at: Seconds
    used_at: Seconds | None = None


@dataclass(slots=True)
class Setup:
    """The one-time link with which the first operator makes an account."""

    hash: str = field(repr=False)
    ends_at: Seconds


@dataclass(slots=True)
class People:
    users: dict[str, User] = field(default_factory=dict)
    tokens: dict[str, Token] = field(default_factory=dict)
    setup: Setup | None = None


class PeopleStore:
    """Reads are cached for as long as the file stays the same; changes are one at a time."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._cached: tuple[Any, People] = (None, People())

    @property
    def _path(self) -> Path:
        return self._root / ".deploy-agent" / "people.json"

    def read(self) -> People:
        """Return everybody. Raises StorageFailed where the file is damaged: nobody gets in."""
        try:
            status = os.stat(self._path)
        except FileNotFoundError:
            return People()
        sign = (status.st_mtime_ns, status.st_size, status.st_ino)
        if self._cached[0] != sign:
            self._cached = (sign, self._parsed())
        return self._cached[1]

    @contextmanager
    def changing(self) -> Iterator[People]:
        """Give everybody as they are now, to be changed; written when the block ends well."""
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
