"""Settings that a sign-in gave anew (a refresh token that is good once), kept so that the next run can sign in."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from syncflow.private_files import open_private, private_folder


class Renewed(Protocol):
    """Keeps settings by system. What was kept counts only while the configured value is the one that it replaced."""

    def read(self, system: str, configured: Mapping[str, str]) -> dict[str, str]: ...

    def write(self, system: str, configured: Mapping[str, str], values: Mapping[str, str]) -> None: ...


class NothingKept:
    """Keeps nothing: for one sign-in, or for tests."""

    def read(self, system: str, configured: Mapping[str, str]) -> dict[str, str]:
        return {}

    def write(self, system: str, configured: Mapping[str, str], values: Mapping[str, str]) -> None: ...


class RenewedFile:
    """A JSON file that only its owner may read; written whole, or not at all."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self, system: str, configured: Mapping[str, str]) -> dict[str, str]:
        kept = self._all().get(system, {})
        return {
            name: entry["value"]
            for name, entry in kept.items()
            if name in configured and entry.get("instead_of") == _digest(configured[name])
        }

    def write(self, system: str, configured: Mapping[str, str], values: Mapping[str, str]) -> None:
        entries = {
            name: {"value": value, "instead_of": _digest(configured.get(name, ""))} for name, value in values.items()
        }
        private_folder(self._path.parent)
        with self._alone():
            everything = self._all()
            everything[system] = {**everything.get(system, {}), **entries}
            beside = self._path.with_suffix(".new")
            with os.fdopen(open_private(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), "w") as file:
                json.dump(everything, file)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(self._path)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Let no other process write between reading and writing: a run, and a person who signs in for another system."""
        lock = self._path.with_suffix(".lock")
        with os.fdopen(open_private(lock, os.O_WRONLY | os.O_CREAT), "w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _all(self) -> dict[str, Any]:
        try:
            found = json.loads(self._path.read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}


def _digest(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()
