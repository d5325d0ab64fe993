"""Whoever does the journal's work, what is promised holds; and what a process can do besides, it does cleanly."""

from __future__ import annotations

import asyncio
import io
import logging
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from pickle import PicklingError
from typing import Any

import pytest

import syncflow
from syncflow.errors import BugError, UnavailableError
from syncflow.runtime.journal.lock import RunLock
from syncflow.runtime.journal.sqlite.database import connect
from syncflow.runtime.journal.sqlite.journal import SqliteJournal
from syncflow.runtime.journal.sqlite.process import JournalProcess
from syncflow.runtime.journal.sqlite.tables import JournalStore
from syncflow.runtime.journal.sqlite.worker import answer, framed
from syncflow.runtime.journal.tables.executors import Executor, Inline, Threaded
from syncflow.testing import FakeSystems
from tests.patience import until
from tests.runtime.programs import event, program
from tests.runtime.test_engine import run

EXECUTORS: dict[str, Callable[[Path], Executor]] = {
    "inline": lambda path: Inline(JournalStore(path)),
    "thread": lambda path: Threaded(JournalStore(path)),
    "process": JournalProcess,
}

Use = Callable[[SqliteJournal], Awaitable[Any]]


def used(path: Path, executor: Executor, use: Use) -> Any:
    async def main() -> Any:
        journal = SqliteJournal(path, executor=executor)
        try:
            await journal.open(fingerprint="f")
            return await use(journal)
        finally:
            await journal.close(finished=True)

    return asyncio.run(main())


@pytest.fixture(params=EXECUTORS)
def executor(request: pytest.FixtureRequest) -> Callable[[Path], Executor]:
    return EXECUTORS[request.param]


def test_calls_are_carried_out_and_the_run_is_noted(executor: Callable[[Path], Executor], tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    run([event("A"), event("B")], path, systems=FakeSystems(), program=program())

    async def look(journal: SqliteJournal) -> Any:
        return await journal.totals(), await journal.marks(most=5), await journal.page("crm", after=0, most=5)

    totals, marks, page = used(path, executor(path), look)
    assert totals["events"] == {"routed": 2}
    assert (list(marks), list(page)) == ([], [])
    with closing(connect(path)) as database:
        assert database.execute("SELECT count(*), sum(finished) FROM runs").fetchone() == (2, 2)


def test_calls_of_whoever_was_cancelled_are_carried_out_and_answers_stay_in_order(
    executor: Callable[[Path], Executor], tmp_path: Path
) -> None:
    async def ask(journal: SqliteJournal) -> Any:
        asked = [asyncio.ensure_future(journal.page("crm", after=0, most=5)) for _ in range(5)]
        await asyncio.sleep(0)
        for task in asked[::2]:
            task.cancel()
        await asyncio.gather(*asked, return_exceptions=True)
        return await journal.totals()

    path = tmp_path / "journal.db"
    assert used(path, executor(path), ask)["events"] == {}


def test_a_file_that_is_no_journal_is_refused_in_the_same_words(
    executor: Callable[[Path], Executor], tmp_path: Path
) -> None:
    path = tmp_path / "journal.db"
    path.write_bytes(b"SQLite format 3\x00" + bytes(range(256)) * 40)
    with pytest.raises(UnavailableError, match="cannot be used") as refused:
        used(path, executor(path), lambda journal: journal.totals())
    assert "keep it" in refused.value.hint


def test_a_journal_that_is_held_is_refused_by_the_name_of_its_holder(
    executor: Callable[[Path], Executor], tmp_path: Path
) -> None:
    path = tmp_path / "journal.db"

    async def again(_: SqliteJournal) -> None:
        await SqliteJournal(path, executor=executor(path)).open(fingerprint="g")

    with pytest.raises(UnavailableError, match=f"in use by process {os.getpid()}"):
        used(path, executor(path), again)


def test_a_process_that_was_killed_fails_the_calls_that_wait_and_those_that_come(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    forked = JournalProcess(path)

    async def kill(journal: SqliteJournal) -> list[str]:
        assert forked.number is not None
        os.kill(forked.number, signal.SIGSTOP)
        waiting = asyncio.ensure_future(journal.totals())
        await asyncio.sleep(0)
        os.kill(forked.number, signal.SIGKILL)
        said = []
        for call in (waiting, journal.totals()):
            with pytest.raises(UnavailableError) as failed:
                await call
            said.append(failed.value.message)
        return said

    with pytest.raises(UnavailableError, match="has ended"):  # closing cannot note the run's end either
        used(
            path,
            forked,
            lambda journal: _all_say(kill(journal), f"the process that writes the journal {path} has ended"),
        )
    with closing(connect(path)) as database:
        assert database.execute("SELECT finished FROM runs").fetchall() == [(0,)]
    RunLock(path.with_name("journal.db.lock")).acquire()


async def _all_say(said: Awaitable[list[str]], words: str) -> None:
    assert await said == [words, words]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_that_end_a_run_do_not_reach_its_process(number: signal.Signals, tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    forked = JournalProcess(path)

    async def send(journal: SqliteJournal) -> Any:
        assert forked.number is not None
        os.kill(forked.number, number)
        return await journal.totals()

    assert used(path, forked, send)["last_run"]["finished"] == 0


def test_a_call_that_cannot_be_sent_leaves_the_others_their_answers(tmp_path: Path) -> None:
    forked = JournalProcess(tmp_path / "journal.db")

    async def ask(journal: SqliteJournal) -> Any:
        with pytest.raises((AttributeError, PicklingError)):
            await forked.call("totals", lambda: None)
        return await journal.totals()

    assert used(tmp_path / "journal.db", forked, ask)["events"] == {}


@pytest.mark.parametrize("came", [framed(("totals", ()))[:-1], framed(("totals", ()))[:3]], ids=["body", "head"])
def test_a_call_that_came_by_half_is_none(came: bytes, tmp_path: Path) -> None:
    answers = io.BytesIO()
    answer(io.BytesIO(came), answers, JournalStore(tmp_path / "journal.db"))
    assert answers.getvalue() == b""


_RUN = """
import asyncio, pathlib, sys
from syncflow.runtime.journal.sqlite.journal import SqliteJournal
from syncflow.runtime.journal.sqlite.process import JournalProcess

async def main():
    path = pathlib.Path(sys.argv[1])
    journal = SqliteJournal(path, executor=JournalProcess(path))
    await journal.open(fingerprint="f")
    await journal.close(finished=True)

asyncio.run(main())
"""


def test_a_process_finds_the_modules_that_the_run_found(tmp_path: Path) -> None:
    """Beside an installed package may lie another of a name that the standard library has."""
    beside = tmp_path / "site"
    shutil.copytree(Path(syncflow.__file__).parent, beside / "syncflow")
    (beside / "pathlib.py").write_text("raise ImportError", "utf-8")
    elsewhere = [path for path in sys.path if path and not Path(path, "syncflow").exists()]
    start = f"import sys; sys.path[:] = {[*elsewhere, str(beside)]}\n{_RUN}"
    done = subprocess.run(
        [sys.executable, "-P", "-c", start, str(tmp_path / "journal.db")],
        cwd=tmp_path, env=os.environ | {"PYTHONPATH": ""}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


_KILLED = """
import asyncio, os, pathlib, signal, sys
from syncflow.runtime.journal.sqlite.journal import SqliteJournal
from syncflow.runtime.journal.sqlite.process import JournalProcess

async def main():
    path = pathlib.Path(sys.argv[1])
    forked = JournalProcess(path)
    await SqliteJournal(path, executor=forked).open(fingerprint="f")
    os.kill(forked.number, signal.SIGSTOP)
    print(forked.number, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


def test_after_a_kill_the_next_run_waits_until_the_process_has_written_what_it_has_to(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    killed = subprocess.run([sys.executable, "-c", _KILLED, str(path)], stdout=subprocess.PIPE, text=True, check=False)
    assert killed.returncode == -signal.SIGKILL
    left = int(killed.stdout)
    goes_on = subprocess.Popen(
        [sys.executable, "-c", f"import os, time; time.sleep(0.3); os.kill({left}, {signal.SIGCONT})"]
    )
    used(path, JournalProcess(path), lambda journal: journal.totals())
    assert goes_on.wait() == 0
    until(lambda: _is_gone(left), otherwise="it does not end by itself")


def _is_gone(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    return False


def test_a_journal_that_does_not_answer_is_told_once_until_it_answers_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    forked = JournalProcess(tmp_path / "journal.db", slow_seconds=0.5)

    def told() -> list[str]:
        return [record.getMessage() for record in caplog.records if record.getMessage().startswith("journal.")]

    async def stop_and_go_on(journal: SqliteJournal) -> None:
        assert forked.number is not None
        for times in (1, 2):
            os.kill(forked.number, signal.SIGSTOP)
            waiting = [asyncio.ensure_future(journal.totals()) for _ in range(3)]
            while told().count("journal.slow") < times:
                await asyncio.sleep(0.01)
            os.kill(forked.number, signal.SIGCONT)
            await asyncio.gather(*waiting)
            while told().count("journal.answers_again") < times:
                await journal.totals()

    with caplog.at_level(logging.INFO, "syncflow"):
        used(tmp_path / "journal.db", forked, stop_and_go_on)
    words = told()  # a busy machine may make a call slow that no signal has stopped
    assert len(words) >= 4
    assert words == ["journal.slow", "journal.answers_again"] * (len(words) // 2)


def test_an_exception_in_the_process_comes_back_without_its_words_and_the_process_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def ask(journal: SqliteJournal) -> None:
        with pytest.raises(BugError) as raised:
            await journal._call("tidy", "ada@example.com")  # arguments that no call of ours has
        assert raised.value.message == "the journal failed: an unforeseen TypeError in its process; the log shows where"
        assert (await journal.totals())["events"] == {}

    used(tmp_path / "journal.db", JournalProcess(tmp_path / "journal.db"), ask)
    [bug] = [record for record in caplog.records if record.getMessage() == "bug"]
    assert bug.fields["traceback"]  # type: ignore[attr-defined]  # ours
    assert "ada@example.com" not in str(vars(bug))
