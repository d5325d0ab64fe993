"""The list of changes: read from ``mutants.yaml``, each with the tests that must fail under it. Pure but for reading files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
LIST = Path(__file__).with_name("mutants.yaml")


class StaleMutantError(Exception):
    """The code has changed: the text of a mutant is not in its file, or more than once. Update the entry, or remove it."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """``before`` stands exactly once in ``file``; ``tests`` are arguments of pytest, relative to the repository."""

    name: str
    file: str
    before: str
    after: str
    tests: tuple[str, ...]

    def applied(self, text: str) -> str:
        """Return the file's text with the bug in it.

        Raises:
            StaleMutantError: ``before`` does not occur exactly once.
        """
        count = text.count(self.before)
        if count != 1:
            raise StaleMutantError(f"{self.file} ({self.name}): {self.before!r} occurs {count} times, expected once")
        return text.replace(self.before, self.after)


def read_mutants(path: Path = LIST) -> list[Mutant]:
    """Return all mutants, in the order of the file."""
    listed: dict[str, dict[str, Any]] = yaml.safe_load(path.read_text("utf-8"))
    return [
        Mutant(
            name=change["name"],
            file=file,
            before=change["before"],
            after=change["after"],
            tests=tuple((change.get("tests") or entry["tests"]).split()),
        )
        for file, entry in listed.items()
        for change in entry["changes"]
    ]
