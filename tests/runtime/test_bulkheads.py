"""An exception that nobody foresaw costs the smallest thing that holds it: at every place where a task of the run calls out."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from syncflow.compiler.program import Program
from syncflow.compiler.wire.system import OperationPlan
from syncflow.errors import BugError, DataError, UnavailableError
from syncflow.events import Accepted, Batch, BatchResult, Delivery, Ignored, Outcome, Raw, Refused, Routed, Verdict
from syncflow.key_rules import KeyRules
from syncflow.runtime import bulkheads
from syncflow.runtime.bulkheads import Bugs, guarded_journal
from syncflow.runtime.ending import Ending
from syncflow.runtime.engine import Engine
from syncflow.runtime.journal.base import Journal
from syncflow.runtime.journal.sqlite.database import connect
from syncflow.runtime.journal.sqlite.journal import SqliteJournal
from syncflow.runtime.reloaded import LastReload
from syncflow.sources.base import Lag
from syncflow.testing import FakeSystems, ListSource, VirtualClock, run_virtually
from syncflow.testing.fakes import FakeSystem
from tests.runtime.programs import event, program, route, system

SECRET = "ada@example.com"
"""A value of a record, in the words of every exception."""
EVENTS = [event(f"A{i}", contact_type="lead" if i % 2 else "customer") for i in range(20)]
"""Ten for system a (odd), ten for system b (even)."""

ERRORS: tuple[type[Exception], ...] = (KeyError, ValueError, RuntimeError, DataError, BugError, RecursionError)


def run(
    directory: Path,
    made: Program,
    systems: FakeSystems | Callable[..., Any],
    *,
    events: Sequence[dict[str, Any]] = EVENTS,
    journal: Callable[..., SqliteJournal] = SqliteJournal,
    source: Any = None,
    only: Sequence[str] = (),
) -> Ending:
    clock = VirtualClock()

    async def main() -> Ending:
        kept = journal(directory / "j.db", inline=True, now=clock.now)
        engine = Engine(
            made,
            source=source or ListSource(events),
            journal=kept,
            systems=systems,
            clock=clock,
            random=Random(1),
            wait_seconds=5.0,
            only=only,
        )
        return await engine.run()

    return run_virtually(main())


def letters(directory: Path) -> list[tuple[Any, ...]]:
    sql = "SELECT stage, code, reason, event FROM dead_letters ORDER BY id"
    return connect(directory / "j.db").execute(sql).fetchall()


def open_deliveries(directory: Path) -> dict[str, int]:
    sql = "SELECT system, count(*) FROM deliveries WHERE state IN ('waiting', 'sending', 'retrying') GROUP BY system"
    return dict(connect(directory / "j.db").execute(sql).fetchall())


def with_bad_check(made: Program, error: type[Exception]) -> Program:
    def check(raw: Raw) -> Accepted | Ignored | Refused:
        if b'"A7"' in raw.body:
            raise error(SECRET)
        return made.check(raw)

    return replace(made, check=check)


def with_bad_route(made: Program, error: type[Exception]) -> Program:
    def route(accepted: Accepted) -> Routed:
        if accepted.event.record.id == "A7":
            raise error(SECRET)
        return made.route(accepted)

    return replace(made, route=route)


def with_bad_plan(made: Program, error: type[Exception]) -> Program:
    def normalise(value: str) -> str:
        if value == "A7":
            raise error(SECRET)
        return value

    routes = {name: replace(plan, key_rules=KeyRules({"Ext": normalise})) for name, plan in made.routes.items()}
    return replace(made, routes=routes)


def with_bad_payload(made: Program, _error: type[Exception]) -> Program:
    def route(accepted: Accepted) -> Routed:
        routed = made.route(accepted)
        if accepted.event.record.id != "A7":
            return routed
        return replace(routed, matches=tuple(replace(m, payload={"Name": "\ud800"}) for m in routed.matches))

    return replace(made, route=route)


OF_ONE_EVENT = {
    "door": (with_bad_check, "schema", "an event was checked"),
    "route and mapping": (with_bad_route, "route", "an event was routed"),
    "plan": (with_bad_plan, "route", "an event was planned"),
    "a payload that is no JSON": (with_bad_payload, "route", "an event was planned"),
}


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize(("spoilt", "stage", "during"), OF_ONE_EVENT.values(), ids=OF_ONE_EVENT)
def test_an_exception_about_one_event_costs_that_event(
    spoilt: Callable[[Program, type[Exception]], Program],
    stage: str,
    during: str,
    error: type[Exception],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    systems = FakeSystems()
    with caplog.at_level(logging.INFO, "syncflow"):
        ending = run(tmp_path, spoilt(program(), error), systems)
    assert len(systems.by_name["a"].held) == 9
    assert len(systems.by_name["b"].held) == 10
    [letter] = letters(tmp_path)
    name = "TypeError" if spoilt is with_bad_payload else error.__name__
    name = letter[2].split()[2] if spoilt is with_bad_payload else name
    assert letter[:3] == (stage, "bug", f"an unforeseen {name} while {during}; the log shows where")
    assert ending.tally.accounted
    assert not ending.systems_stopped
    [told] = [record for record in caplog.records if record.getMessage() == "bug"]
    assert told.fields["traceback"]  # type: ignore[attr-defined]  # ours
    assert SECRET not in str([vars(record) for record in caplog.records])


class Bad(FakeSystem):
    """A system whose sending, or closing, raises; its plan may be spoilt instead."""

    error: type[Exception] = KeyError

    async def send(self, batch: Batch) -> BatchResult:
        if self.plan.name == "a":
            async with self.gate.request():
                raise self.error(SECRET)
        return await super().send(batch)


class Unfitting(FakeSystem):
    """A system whose answer has no outcome for its deliveries: settling it fails."""

    async def send(self, batch: Batch) -> BatchResult:
        result = await super().send(batch)
        return BatchResult(()) if self.plan.name == "a" else result


class BadAtTheEnd(FakeSystem):
    async def close(self) -> None:
        raise KeyError(SECRET)


def spoilt_group(_delivery: Delivery) -> str:
    raise DataError(SECRET)


def spoilt_groups() -> Program:
    made = program()
    operations = {
        name: OperationPlan(plan.action, plan.repeat, plan.batch_records, 0, spoilt_group)
        for name, plan in made.systems["a"].operations.items()
    }
    return replace(made, systems={**made.systems, "a": replace(made.systems["a"], operations=operations)})


OF_ONE_SYSTEM: dict[str, tuple[type[FakeSystem], Callable[[], Program], str, str]] = {
    "send": (Bad, program, "a batch was sent", "KeyError"),
    "settling an answer": (Unfitting, program, "an answer was settled", "ValueError"),
    "putting in order": (FakeSystem, spoilt_groups, "deliveries were put in order", "DataError"),
}


@pytest.mark.parametrize(("kind", "made", "during", "name"), OF_ONE_SYSTEM.values(), ids=OF_ONE_SYSTEM)
def test_an_exception_about_one_system_stops_that_system_and_its_deliveries_stay_open(
    kind: type[FakeSystem], made: Callable[[], Program], during: str, name: str, tmp_path: Path
) -> None:
    systems: dict[str, FakeSystem] = {}

    def connected(plan: Any, gate: Any) -> FakeSystem:
        return systems.setdefault(plan.name, kind(plan, gate))

    ending = run(tmp_path, made(), connected)
    assert len(systems["b"].held) == 10
    assert ending.systems_stopped == (f"a: bug: an unforeseen {name} while {during}; the log shows where",)
    assert open_deliveries(tmp_path) == {"a": 10}
    assert letters(tmp_path) == []
    [standing] = connect(tmp_path / "j.db").execute("SELECT system, state, by FROM standings").fetchall()
    assert standing == ("a", "stopped", "bug")
    again = FakeSystems()
    assert run(tmp_path, program(), again, events=EVENTS).clean, "the next run goes on"
    assert len(again.by_name["a"].held) == 10


def test_an_unsafe_operation_that_was_being_sent_is_in_doubt(tmp_path: Path) -> None:
    systems = {"a": system("a", repeat="unsafe"), "b": system("b")}
    run(tmp_path, program(systems=systems), Bad)
    assert {letter[1] for letter in letters(tmp_path)} == {"bug"}
    assert open_deliveries(tmp_path) == {}


def test_a_system_that_cannot_be_closed_ends_no_run(tmp_path: Path) -> None:
    assert run(tmp_path, program(), BadAtTheEnd).clean


class BadTidy(SqliteJournal):
    async def tidy(self, **_more: Any) -> int:
        raise KeyError(SECRET)


def test_tidying_that_fails_is_logged_and_ends_no_run(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert run(tmp_path, program(), FakeSystems(), journal=BadTidy).clean
    assert [r.fields["during"] for r in caplog.records if r.getMessage() == "bug"] == ["the journal was tidied"]  # type: ignore[attr-defined]  # ours


class BadSource(ListSource):
    async def read(self, *, most: int) -> Sequence[Raw]:
        raise ValueError(SECRET)


def test_a_source_that_fails_ends_the_run_with_an_error_that_says_so(tmp_path: Path) -> None:
    with pytest.raises(
        BugError, match="the source failed: an unforeseen ValueError while it was read; the log shows where"
    ):
        run(tmp_path, program(), FakeSystems(), source=BadSource([]))


def test_a_mark_that_meets_an_exception_is_set_aside_and_the_others_are_carried_out(tmp_path: Path) -> None:
    run(tmp_path, program(types={}, routes={"a": route("a"), "b": route("b")}), FakeSystems())
    with connect(tmp_path / "j.db") as db:
        db.execute("INSERT INTO marks (event, route, how, at) SELECT seq, '', 'remap', 0 FROM events")
    systems = FakeSystems()
    made = with_bad_route(program(), KeyError)
    ending = run(tmp_path, made, systems)
    assert len(systems.by_name["a"].held) == 9
    assert len(systems.by_name["b"].held) == 10
    assert ending.tally.set_aside == 1
    [(aside,)] = connect(tmp_path / "j.db").execute("SELECT aside FROM marks").fetchall()
    assert aside == "bug: an unforeseen KeyError while a mark was carried out; the log shows where"


OF_THE_RUN = {
    "open": "it was opened",
    "known": "records were looked up",
    "commit": "a chunk was written",
    "settle": "outcomes were written",
    "marks": "marks were read",
    "activate": "the program took it over",
    "note_usage": "requests were noted",
    "close": "it was closed",
}
"""Calls of the journal that are about the whole run."""


def failing(name: str, error: type[Exception]) -> Callable[..., SqliteJournal]:
    """Return a journal of which one call meets an unforeseen exception each time."""

    async def fail(self: SqliteJournal, *_: Any, **_more: Any) -> Any:
        if name == "close":
            await SqliteJournal.close(self, finished=False)  # the next run has the same process
        raise error(SECRET)

    return type("Failing", (SqliteJournal,), {name: fail})


@pytest.mark.parametrize("error", [KeyError, RecursionError])
@pytest.mark.parametrize(("call", "during"), OF_THE_RUN.items(), ids=OF_THE_RUN)
def test_an_exception_in_a_call_of_the_journal_ends_the_run_with_an_error_that_says_so_and_the_next_run_goes_on(
    call: str, during: str, error: type[Exception], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(BugError) as raised:
        run(tmp_path, program(), FakeSystems(), journal=failing(call, error))
    words = f"the journal failed: an unforeseen {error.__name__} while {during}; the log shows where"
    assert raised.value.message == words
    assert raised.value.code == "SF004"
    told = [record for record in caplog.records if record.getMessage() == "bug"]
    assert [record.fields["during"] for record in told] == [during], "once"  # type: ignore[attr-defined]  # ours
    assert SECRET not in str([vars(record) for record in caplog.records])
    systems = FakeSystems()
    assert run(tmp_path, program(), systems).clean
    assert open_deliveries(tmp_path) == {}


def test_of_every_call_of_the_journal_it_is_known_what_an_exception_costs() -> None:
    members = {name: value for base in Journal.__mro__ for name, value in vars(base).items()}
    calls = {name for name, value in members.items() if inspect.iscoroutinefunction(value)}
    assert calls == {*bulkheads.OF_THE_RUN, *bulkheads.OF_A_PART}


@pytest.mark.parametrize("word", ["reports", "lag", "requests"])
def test_an_exception_in_what_a_source_says_of_itself_costs_those_words_alone(
    word: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: object) -> Any:
        raise KeyError(SECRET)

    words: dict[str, Any] = {
        name: (lambda _: ()) if name == "reports" else (lambda _: {}) for name in ("reports", "lag")
    }
    made = {**words, "requests": property(lambda _: {}), word: property(fail) if word == "requests" else fail}
    source = type("Failing", (ListSource,), made)(EVENTS)
    assert run(tmp_path, program(), FakeSystems(), source=source).clean
    told = [record for record in caplog.records if record.getMessage() == "bug"]
    assert [record.fields["during"] for record in told] == ["the source was asked how it stands"], "once"  # type: ignore[attr-defined]  # ours
    assert SECRET not in str([vars(record) for record in caplog.records])


class Asked(ListSource):
    """A source that counts requests."""

    requests = {"accepted": 1}  # noqa: RUF012  # read only


class Behind(ListSource):
    """A source that knows how far behind it is."""

    def lag(self) -> dict[str, Lag]:
        return {"list": Lag(events=3)}


def with_marks(directory: Path) -> None:
    """Leave a journal in which every event is marked to be sent again."""
    run(directory, program(types={}, routes={"a": route("a"), "b": route("b")}), FakeSystems())
    with connect(directory / "j.db") as db:
        db.execute("INSERT INTO marks (event, route, how, at) SELECT seq, '', 'remap', 0 FROM events")


def nothing_before(_directory: Path) -> None: ...


OF_SOME_RUNS: dict[str, tuple[str, Callable[[Path], None], Callable[[], dict[str, Any]]]] = {
    "set_aside": ("marks were set aside", with_marks, lambda: {"made": with_bad_route(program(), ValueError)}),
    "open_elsewhere": ("open deliveries were counted", nothing_before, lambda: {"only": ["a"]}),
    "note_requests": ("requests to the source were noted", nothing_before, lambda: {"source": Asked(EVENTS)}),
    "note_lags": ("the lag of the source was noted", nothing_before, lambda: {"source": Behind(EVENTS)}),
}
"""The same for calls that not every run makes: what is in the journal before, and what else the run is given."""


@pytest.mark.parametrize("error", [KeyError, RecursionError])
@pytest.mark.parametrize(("call", "case"), OF_SOME_RUNS.items(), ids=OF_SOME_RUNS)
def test_an_exception_in_a_call_that_some_runs_make_ends_the_run_with_one_error_and_the_next_run_goes_on(
    call: str,
    case: tuple[str, Callable[[Path], None], Callable[[], dict[str, Any]]],
    error: type[Exception],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    during, before, given = case
    before(tmp_path)
    with pytest.raises(BugError) as raised:
        run(tmp_path, systems=FakeSystems(), journal=failing(call, error), **{"made": program(), **given()})
    assert (
        raised.value.message
        == f"the journal failed: an unforeseen {error.__name__} while {during}; the log shows where"
    )
    told = [r.fields["during"] for r in caplog.records if r.getMessage() == "bug"]  # type: ignore[attr-defined]  # ours
    assert [words for words in told if words != "a mark was carried out"] == [during], "once"
    assert SECRET not in str([vars(record) for record in caplog.records])
    [ending] = connect(tmp_path / "j.db").execute("SELECT ending FROM runs ORDER BY id DESC LIMIT 1").fetchone()
    assert raised.value.message in ending
    systems = FakeSystems()
    assert run(tmp_path, program(), systems).tally.open == 0
    assert open_deliveries(tmp_path) == {}


@pytest.mark.parametrize("error", [KeyError, RecursionError])
def test_an_exception_while_the_journal_is_counted_is_an_error_that_says_so(
    error: type[Exception], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def count() -> None:
        await guarded_journal(failing("totals", error)(tmp_path / "j.db", inline=True), Bugs()).totals()

    words = f"the journal failed: an unforeseen {error.__name__} while it was counted; the log shows where"
    with pytest.raises(BugError) as raised:
        run_virtually(count())
    assert raised.value.message == words
    assert [r.fields["during"] for r in caplog.records if r.getMessage() == "bug"] == ["it was counted"]  # type: ignore[attr-defined]  # ours


@pytest.mark.parametrize("error", [KeyError, RecursionError])
def test_an_exception_while_refused_deliveries_are_taken_back_stops_that_system_and_the_next_run_goes_on(
    error: type[Exception], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    made = program(systems={"a": system("a", repeat="unsafe"), "b": system("b")})

    def refuse(batch: Batch, _number: int) -> BatchResult | None:
        refused = (Outcome(Verdict.REJECTED, code="BAD"),) * len(batch.deliveries)
        return BatchResult(refused) if batch.system == "a" else None

    systems = FakeSystems(refuse)
    ending = run(tmp_path, made, systems, journal=failing("unsent", error))
    words = f"bug: an unforeseen {error.__name__} while an answer was settled; the log shows where"
    assert ending.systems_stopped == (f"a: {words}",)
    assert len(systems.by_name["b"].held) == 10
    assert [r.fields["during"] for r in caplog.records if r.getMessage() == "bug"] == ["an answer was settled"]  # type: ignore[attr-defined]  # ours
    run(tmp_path, made, FakeSystems())
    assert open_deliveries(tmp_path) == {}
    assert {letter[1] for letter in letters(tmp_path)} == {"in_doubt"}, (
        "the journal says of them that they were being sent"
    )


@pytest.mark.parametrize("error", [KeyError, RecursionError, UnavailableError])
def test_an_exception_while_a_reload_is_noted_costs_nothing_but_the_note(
    error: type[Exception], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock = VirtualClock()
    engines: list[Engine] = []

    class Reloads(ListSource):
        async def read(self, *, most: int) -> Sequence[Raw]:
            if not self._next:
                await engines[0].note_reload(LastReload(1.0, "used", "mappings/contact.yaml"))
            return await super().read(most=most)

    async def main() -> Ending:
        journal = failing("note_reload", error)(tmp_path / "j.db", inline=True, now=clock.now)
        engine = Engine(program(), source=Reloads(EVENTS), journal=journal, systems=FakeSystems(), clock=clock)
        engines.append(engine)
        return await engine.run()

    assert run_virtually(main()).clean
    assert engines[0].last_reload == LastReload(1.0, "used", "mappings/contact.yaml")
    told = [(r.getMessage(), r.fields) for r in caplog.records if r.getMessage() in {"bug", "reload.not_noted"}]  # type: ignore[attr-defined]  # ours
    assert [name for name, _ in told] == ["reload.not_noted" if error is UnavailableError else "bug"]


class BadCalls(ListSource):
    """A source of which one call raises."""

    bad = ""

    async def open(self, *arguments: Any, **more: Any) -> None:
        self._maybe("open")
        await super().open(*arguments, **more)

    async def acknowledge(self, *arguments: Any, **more: Any) -> None:
        self._maybe("acknowledge")
        await super().acknowledge(*arguments, **more)

    async def close(self) -> None:
        self._maybe("close")
        await super().close()

    def _maybe(self, call: str) -> None:
        if self.bad == call:
            raise KeyError(SECRET)


OF_A_SOURCE = {"open": "it was opened", "acknowledge": "events were acknowledged", "close": "it was closed"}


@pytest.mark.parametrize(("call", "during"), OF_A_SOURCE.items(), ids=OF_A_SOURCE)
def test_an_exception_in_a_call_of_the_source_ends_the_run_and_nothing_that_was_read_is_lost(
    call: str, during: str, tmp_path: Path
) -> None:
    source = BadCalls(EVENTS)
    source.bad = call
    with pytest.raises(BugError) as raised:
        run(tmp_path, program(), FakeSystems(), source=source)
    assert raised.value.message == f"the source failed: an unforeseen KeyError while {during}; the log shows where"
    [(ending,)] = connect(tmp_path / "j.db").execute("SELECT ending FROM runs").fetchall()
    assert f"the source failed: an unforeseen KeyError while {during}" in ending
    assert run(tmp_path, program(), FakeSystems()).tally.open == 0
    assert len(connect(tmp_path / "j.db").execute("SELECT DISTINCT record FROM events").fetchall()) == 20


LIVES = [event("A1"), event("A1", "update", name="b"), event("A1", "delete"), event("A1", name="c")]

OF_A_SYSTEM = {"page": "batches were made", "turn_facts": "batches were made", "sending": "an answer was settled"}


@pytest.mark.parametrize(("call", "during"), OF_A_SYSTEM.items(), ids=OF_A_SYSTEM)
def test_an_exception_in_a_call_about_one_system_stops_that_system_and_the_next_run_goes_on(
    call: str, during: str, tmp_path: Path
) -> None:
    made = program(systems={"a": system("a", repeat="unsafe" if call == "sending" else "safe"), "b": system("b")})

    def busy(batch: Batch, _number: int) -> BatchResult:
        return BatchResult((Outcome(Verdict.RETRY, code="BUSY"),) * len(batch.deliveries))

    if call == "page":
        run(tmp_path, made, FakeSystems(busy), events=LIVES)
    ending = run(tmp_path, made, FakeSystems(), events=LIVES, journal=failing(call, KeyError))
    words = f"bug: an unforeseen KeyError while {during}; the log shows where"
    assert f"a: {words}" in ending.systems_stopped
    run(tmp_path, made, FakeSystems(), events=LIVES)
    assert open_deliveries(tmp_path) == {}


def test_an_exception_while_it_is_noted_how_a_system_stands_costs_nothing_but_the_note(tmp_path: Path) -> None:
    ending = run(tmp_path, program(), Bad, journal=failing("stand", KeyError))
    assert ending.systems_stopped == ("a: bug: an unforeseen KeyError while a batch was sent; the log shows where",)
    assert open_deliveries(tmp_path) == {"a": 10}
    assert run(tmp_path, program(), FakeSystems()).clean
