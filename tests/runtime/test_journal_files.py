"""The journal's files: for their owner alone, and the same ones from the beginning of a run to its end."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from syncflow.adapters.rotated_secrets import RenewedFile
from syncflow.errors import UnavailableError
from syncflow.runtime.journal.lock import holder_of
from syncflow.runtime.journal.sqlite.database import connect, migrate
from syncflow.runtime.journal.sqlite.journal import SqliteJournal
from syncflow.runtime.journal.sqlite.process import JournalProcess
from syncflow.runtime.journal.sqlite.tables import JournalStore
from syncflow.runtime.journal.tables.executors import Executor, Inline

NAMES = ("j.db", "j.db-wal", "j.db-shm", "j.db.lock")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("umask", [0o000, 0o022])
def test_files_and_folder_are_for_their_owner_alone_whatever_the_umask(umask: int, tmp_path: Path) -> None:
    folder = tmp_path / "journal"

    async def main() -> None:
        journal = SqliteJournal(folder / "j.db", inline=True)
        await journal.open(fingerprint="f")
        assert {name: oct(mode(folder / name)) for name in NAMES} == dict.fromkeys(NAMES, "0o600")
        await journal.close(finished=True)

    before = os.umask(umask)
    try:
        asyncio.run(main())
        RenewedFile(folder / "renewed.json").write("crm", {}, {"token": "x"})
    finally:
        os.umask(before)
    assert oct(mode(folder)) == "0o700"
    assert oct(mode(folder / "renewed.json")) == "0o600"


def test_a_new_journal_writes_each_of_its_pages_once(tmp_path: Path) -> None:
    with closing(connect(tmp_path / "j.db")) as journal:
        migrate(journal, tmp_path / "j.db")
        pages, size = (journal.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
        log = (tmp_path / "j.db-wal").stat().st_size
    assert log <= 32 + pages * (24 + size)


def test_more_open_files_of_an_earlier_version_are_made_private(tmp_path: Path) -> None:
    async def main() -> None:
        journal = SqliteJournal(tmp_path / "j.db", inline=True)
        await journal.open(fingerprint="f")
        await journal.close(finished=True)

    asyncio.run(main())
    (tmp_path / "j.db").chmod(0o644)
    (tmp_path / "j.db.lock").chmod(0o666)
    asyncio.run(main())
    assert (mode(tmp_path / "j.db"), mode(tmp_path / "j.db.lock")) == (0o600, 0o600)


@pytest.mark.parametrize("name", ["j.db", "j.db.lock"])
def test_a_planted_link_makes_no_file_elsewhere(name: str, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    folder = tmp_path / "journal"
    folder.mkdir()
    (folder / name).symlink_to(elsewhere)
    with pytest.raises(UnavailableError, match=r"the journal .* cannot be created"):
        asyncio.run(SqliteJournal(folder / "j.db", inline=True).open(fingerprint="f"))
    assert not elsewhere.exists()


def _replace(path: Path) -> None:
    shutil.copy(path, path.with_name("copy"))
    path.with_name("copy").replace(path)


LOSSES: dict[str, Callable[[Path], object]] = {
    "folder removed": lambda path: shutil.rmtree(path.parent),
    "file unlinked": lambda path: path.unlink(),
    "file replaced": _replace,
    "file cut off": lambda path: os.truncate(path, 0),
    "log unlinked": lambda path: path.with_name("j.db-wal").unlink(),
    "lock stolen": lambda path: path.with_name("j.db.lock").unlink(),
}
EXECUTORS: dict[str, Callable[[Path], Executor]] = {
    "inline": lambda path: Inline(JournalStore(path)),
    "process": JournalProcess,
}


@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("when", ["at the next look", "at the end"])
def test_a_run_that_lost_its_journal_is_told_at_once(loss: str, when: str, executor: str, tmp_path: Path) -> None:
    path = tmp_path / "journal" / "j.db"

    async def main() -> None:
        journal = SqliteJournal(path, executor=EXECUTORS[executor](path))
        await journal.open(fingerprint="f")
        try:
            LOSSES[loss](path)
            if when == "at the next look":
                with pytest.raises(UnavailableError):
                    await journal.marks(most=5)
        finally:
            await journal.close(finished=True)

    with pytest.raises(UnavailableError, match=r"was removed, replaced or cut off while the run wrote it"):
        asyncio.run(main())


def test_a_database_of_something_else_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE songs (name TEXT)")
    before = path.read_bytes()
    with pytest.raises(UnavailableError, match="is a database of something else, not a journal of syncflow"):
        asyncio.run(SqliteJournal(path, inline=True).open(fingerprint="f"))
    assert path.read_bytes() == before


def test_who_runs_on_a_journal_is_known_while_it_does_and_not_after(tmp_path: Path) -> None:
    path = tmp_path / "j.db"

    async def main() -> str:
        journal = SqliteJournal(path, inline=True)
        await journal.open(fingerprint="f")
        held = holder_of(path)
        await journal.close(finished=True)
        return held

    assert asyncio.run(main()).startswith(f"process {os.getpid()}, since ")
    assert holder_of(path) == ""
    path.with_name("j.db.lock").write_text("process 999999999, since then")
    assert holder_of(path) == ""
