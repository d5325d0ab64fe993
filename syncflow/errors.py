"""What can go wrong, sorted by what the caller can do about it.

SyncflowError
├── ProjectError        fix the files: carries every diagnostic of the project
├── DataError           fix the data: one record or one value is not what was promised
├── UnavailableError    try later: a system, a source or the journal does not answer
└── BugError            tell us: a promise of our own was broken

Each has a stable ``code`` and a message for a person. A traceback is never a user's answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syncflow.config.diagnostics import Diagnostic


class SyncflowError(Exception):
    """The root of every error that syncflow raises on purpose."""

    code = "SF000"

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class ProjectError(SyncflowError):
    """The project's files are wrong; ``diagnostics`` names every place."""

    code = "SF001"

    def __init__(self, message: str, *, diagnostics: Sequence[Diagnostic] = (), hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.diagnostics = tuple(diagnostics)


class DataError(SyncflowError):
    """One value or record is not what its description promises."""

    code = "SF002"


class UnavailableError(SyncflowError):
    """Something outside does not answer; the same call may work later."""

    code = "SF003"


class BugError(SyncflowError):
    """A promise of syncflow's own was broken."""

    code = "SF004"
