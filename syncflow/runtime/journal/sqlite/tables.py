"""The tables in a file of SQLite: see ``JournalStore``. One thread at a time uses this."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from syncflow.errors import UnavailableError
from syncflow.runtime.journal.files import JournalFiles
from syncflow.runtime.journal.sqlite.bulk import SqliteDatabase
from syncflow.runtime.journal.sqlite.database import check_after_unclean_end, connect, explained, migrate
from syncflow.runtime.journal.tables import calls
from syncflow.runtime.journal.tables.usage import Moment
from syncflow.runtime.run_name import RunName


class JournalStore(calls.JournalStore):
    """One journal file. Every call raises ``UnavailableError`` where it cannot be used."""

    def __init__(self, path: Path, *, sync: str = "full") -> None:
        super().__init__()
        self.path = path
        self.name = f"the journal {path}"
        self._sync = sync
        self._files: JournalFiles | None = None

    def call(self, name: str, *arguments: Any) -> Any:
        """Do what ``name`` says, with errors for people."""
        with explained(self.path):
            if name == "close":
                self._still_there()
            found = getattr(self, name)(*arguments)
            self._still_there()
            return found

    def open(
        self,
        fingerprint: str,
        from_start: bool,  # noqa: FBT001  # a call's argument
        moment: Moment,
        monotonic: float,
        name: RunName,
    ) -> dict[str, Any]:
        found = super().open(fingerprint, from_start, moment, monotonic, name)
        self._files = JournalFiles.of(self.path)
        return found

    def _connected(self) -> SqliteDatabase:
        database = connect(self.path, sync=self._sync)
        try:
            migrate(database, self.path)
            check_after_unclean_end(database, self.path)
        except BaseException:
            database.close()
            raise
        return database

    def _still_there(self) -> None:
        """Refuse to go on where the files that are written are not those that the next run would find.

        Raises:
            UnavailableError: they were removed, replaced or cut off.
        """
        if self._database is not None and self._files is not None and not self._files.are_there():
            raise UnavailableError(
                f"the journal {self.path} was removed, replaced or cut off while the run wrote it",
                hint="nothing was acknowledged since this was seen; see who removed it, restore a copy if there is one, and run again",
            )
