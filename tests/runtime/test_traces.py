"""Traces: which spans a run makes, what they are linked to, that no value stands in them, and that they never harm."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ParentBased, Sampler
from opentelemetry.trace import StatusCode

from syncflow.adapters.gate import RequestSlot
from syncflow.events import Batch, BatchResult, Job, Outcome, Position, Raw, Signal, Verdict
from syncflow.runtime.engine import Engine
from syncflow.runtime.journal.base import Journal, JournaledEvent
from syncflow.runtime.journal.sqlite.journal import SqliteJournal
from syncflow.runtime.traces.collector import Chance
from syncflow.runtime.traces.links import CameWith
from syncflow.runtime.traces.spans import Traces
from syncflow.sources.traceparent import is_traceparent, traceparent_of
from syncflow.testing import FakeSystems, ListSource, VirtualClock, run_virtually
from tests.effort import examples
from tests.runtime.programs import event, program

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
RECORDED, UNRECORDED = f"00-{TRACE}-{PARENT}-01", f"00-{TRACE}-{PARENT}-00"


class TracedSource(ListSource):
    """Events that come with a trace, by the number of the event."""

    def __init__(self, events: list[dict[str, Any]], traces: dict[int, str]) -> None:
        super().__init__(events)
        self._traces = traces

    async def read(self, *, most: int) -> Sequence[Raw]:
        raws = await super().read(most=most)
        beside = {number: {"headers": {"Traceparent": text}} for number, text in self._traces.items()}
        return [Raw(raw.position, raw.body, meta=beside.get(raw.position.offset)) for raw in raws]  # type: ignore[arg-type]


def traced(
    path: Path,
    events: list[dict[str, Any]],
    *,
    sampler: Sampler | None = None,
    traces: dict[int, str] | None = None,
    propagate: tuple[str, ...] = (),
    **more: Any,
) -> list[ReadableSpan]:
    """Run in virtual time, and return the spans that ended, in order."""
    kept = InMemorySpanExporter()
    provider = TracerProvider(sampler=ParentBased(sampler or Chance(1.0)), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(kept))

    async def main() -> None:
        clock = VirtualClock()
        spans = Traces(provider.get_tracer("syncflow"), clock=clock, propagate=frozenset(propagate))
        engine = Engine(
            program(),
            source=TracedSource(events, traces or {}),
            journal=SqliteJournal(path, inline=True, now=clock.now),
            systems=more.pop("systems", None) or FakeSystems(latency_seconds=0.3),
            clock=clock,
            traces=spans,
            **more,
        )
        await engine.run()

    run_virtually(main())
    return list(kept.get_finished_spans())


def named(spans: list[ReadableSpan], name: str) -> list[ReadableSpan]:
    return [span for span in spans if span.name == name]


def seconds(span: ReadableSpan) -> float:
    assert span.start_time is not None
    assert span.end_time is not None
    return (span.end_time - span.start_time) / 1e9


def test_a_run_makes_spans_of_chunks_batches_and_requests(tmp_path: Path) -> None:
    spans = traced(tmp_path / "j.db", [event("A"), event("B"), event("C", contact_type="customer")])
    assert sorted(span.name for span in spans) == [
        "chunk",
        "commit",
        "request",
        "request",
        "send a/Contact",
        "send b/Contact",
    ]
    chunk, commit = named(spans, "chunk")[0], named(spans, "commit")[0]
    assert commit.parent is not None
    assert commit.parent.span_id == chunk.context.span_id
    assert chunk.attributes == {
        "messaging.system": "syncflow",
        "messaging.operation.type": "receive",
        "messaging.batch.message_count": 3,
        "syncflow.partitions": ("list",),
    }
    batch = named(spans, "send a/Contact")[0]
    request = next(span for span in named(spans, "request") if span.attributes["syncflow.system"] == "a")  # type: ignore[index]
    assert request.parent is not None
    assert request.parent.span_id == batch.context.span_id
    assert round(seconds(request), 3) == 0.3
    assert seconds(batch) >= seconds(request)
    assert dict(batch.attributes or {}) | {"syncflow.batch": ""} == {
        "messaging.system": "syncflow",
        "messaging.operation.type": "send",
        "messaging.batch.message_count": 2,
        "messaging.destination.name": "a/Contact",
        "syncflow.operation": "upsert",
        "syncflow.routes": ("a",),
        "syncflow.batch": "",
        "syncflow.delivered": 2,
    }


def test_what_goes_wrong_is_told_by_the_status(tmp_path: Path) -> None:
    refused = Outcome(Verdict.REJECTED, code="BAD", message="Ada Lovelace is no name")
    systems = FakeSystems(lambda batch, _: BatchResult((refused,) * len(batch.deliveries)))
    spans = traced(tmp_path / "j.db", [event("A")], systems=systems)
    batch = named(spans, "send a/Contact")[0]
    assert batch.status.status_code is StatusCode.ERROR
    assert (batch.status.description, batch.attributes["syncflow.rejected"]) == ("not all was taken", 1)  # type: ignore[index]


def test_no_value_of_a_record_stands_in_a_span(tmp_path: Path) -> None:
    refused = Outcome(Verdict.REJECTED, code="BAD", message="Lovelace")
    systems = FakeSystems(lambda batch, _: BatchResult((refused,) * len(batch.deliveries)))
    events = [event("id-Lovelace", name="Lovelace", item={"key": "ada@Lovelace.example"})]
    spans = traced(tmp_path / "j.db", events, systems=systems, traces={1: RECORDED})
    assert len(spans) == 4
    assert not [span.name for span in spans if "lovelace" in span.to_json().lower()]


def test_a_chunk_and_a_batch_are_linked_to_where_their_events_came_from(tmp_path: Path) -> None:
    spans = traced(tmp_path / "j.db", [event("A"), event("B")], traces={2: RECORDED})
    for name in ("chunk", "send a/Contact"):
        links = [
            (f"{link.context.trace_id:032x}", f"{link.context.span_id:016x}") for link in named(spans, name)[0].links
        ]
        assert links == [(TRACE, PARENT)], name


def test_a_delivery_of_an_earlier_run_is_linked_by_what_the_journal_kept(tmp_path: Path) -> None:
    down = FakeSystems(
        lambda batch, _: BatchResult(
            (Outcome(Verdict.RETRY, counts=False),) * len(batch.deliveries), Signal("stop", reason="x")
        )
    )
    path = tmp_path / "j.db"
    traced(path, [event("A"), event("B")], traces={1: RECORDED}, systems=down, wait_seconds=0.0)
    spans = traced(path, [event("A"), event("B")], sampler=Chance(0.0))
    batch = named(spans, "send a/Contact")[0]
    assert [f"{link.context.trace_id:032x}" for link in batch.links] == [TRACE]


def test_what_belongs_to_a_recorded_trace_is_always_traced_and_all_else_by_chance(tmp_path: Path) -> None:
    for number, (share, text, names) in enumerate(
        [
            (0.0, RECORDED, ["chunk", "commit", "request", "send a/Contact"]),
            (0.0, UNRECORDED, []),
            (0.0, "", []),
            (1.0, UNRECORDED, ["chunk", "commit", "request", "send a/Contact"]),
        ]
    ):
        spans = traced(tmp_path / f"{number}.db", [event("A")], sampler=Chance(share), traces={1: text})
        assert sorted(span.name for span in spans) == names, (share, text)


class Keeping(FakeSystems):
    """Keeps what its requests were to send along."""

    def __init__(self) -> None:
        super().__init__()
        self.headers: dict[str, list[str]] = {}

    def __call__(self, plan: Any, gate: Any) -> Any:
        system = super().__call__(plan, gate)

        async def send(batch: Batch) -> BatchResult:
            async with gate.request() as slot:
                if isinstance(slot, RequestSlot):
                    self.headers.setdefault(plan.name, []).extend(value for _, value in slot.headers)
            return BatchResult((Outcome(Verdict.DELIVERED),) * len(batch.deliveries))

        system.send = send  # type: ignore[method-assign]
        return system


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_only_the_named_systems_are_told_of_which_trace_a_request_is(share: float, tmp_path: Path) -> None:
    systems = Keeping()
    events = [event("A"), event("B", contact_type="customer")]
    spans = traced(tmp_path / "j.db", events, propagate=("b",), systems=systems, sampler=Chance(share))
    assert systems.headers["a"] == []
    (header,) = systems.headers["b"]
    assert is_traceparent(header)
    assert header.endswith("-01" if share else "-00")
    requests = {f"00-{s.context.trace_id:032x}-{s.context.span_id:016x}-01" for s in named(spans, "request")}
    assert (header in requests) == bool(share)


def test_a_fault_of_the_tracer_costs_the_run_nothing(tmp_path: Path) -> None:
    class Broken(Sampler):
        def should_sample(self, *_: Any, **__: Any) -> Any:
            raise RuntimeError("broken")

        def get_description(self) -> str:
            return "broken"

    systems = FakeSystems()
    assert traced(tmp_path / "j.db", [event("A")], sampler=Broken(), systems=systems) == []
    assert systems.by_name["a"].held == {("Contact", "A"): {"Ext": "A", "Name": "n"}}


def came(seq: int, text: str = "") -> JournaledEvent:
    meta: Any = {"headers": {"traceparent": text}} if text else None
    return JournaledEvent(seq, Raw(Position("p", seq), b"{}", meta=meta), "routed", 0.0)


class Beside:
    """A journal that is asked what came beside events."""

    def __init__(self, kept: dict[int, str]) -> None:
        self._kept = kept
        self.asked: list[int] = []

    async def beside(self, events: Sequence[int]) -> dict[int, bytes]:
        self.asked += events
        return {n: orjson.dumps({"headers": {"traceparent": self._kept[n]}}) for n in events if n in self._kept}


def test_the_journal_is_asked_only_of_events_that_this_run_did_not_read() -> None:
    other = RECORDED.replace(PARENT, "1111111111111111")

    async def main() -> None:
        known, journal = CameWith(most=2), Beside({1: other})

        async def of(*events: int) -> list[str]:
            deliveries: Any = [SimpleNamespace(event=seq) for seq in events]
            return await known.of(deliveries, cast("Journal", journal))

        known.heard([came(2), came(3, RECORDED)])
        assert await of(2, 3) == [RECORDED]
        assert journal.asked == []
        assert await of(1, 3) == [RECORDED, other]
        known.heard([came(9)])  # another worker read in between
        assert await of(3) == []
        assert journal.asked == [1, 3]
        known.heard([came(10, RECORDED), came(11, RECORDED), came(12, other)])
        assert await of(10) == []  # as many as may be remembered are
        assert journal.asked == [1, 3, 10]
        assert await of(12) == [other]

    run_virtually(main())


@settings(max_examples=examples(100))
@given(
    st.text(max_size=80)
    | st.from_regex(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(-[a-z]{0,5})?", fullmatch=True)
)
def test_any_text_may_come_as_a_traceparent(text: str) -> None:
    found = traceparent_of({"headers": {"TraceParent": text}})
    assert found in {"", text[:55]}
    assert bool(found) == is_traceparent(text)
    if found:
        assert (int(found[3:35], 16) > 0, int(found[36:52], 16) > 0) == (True, True)


@pytest.mark.parametrize(
    "text",
    [
        f"ff-{TRACE}-{PARENT}-01",
        f"{RECORDED}-more",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        RECORDED.upper(),
        "",
        RECORDED[:-1],
    ],
)
def test_a_text_that_is_none_is_no_traceparent(text: str) -> None:
    assert not is_traceparent(text)


def test_a_later_version_may_say_more() -> None:
    assert traceparent_of({"headers": {"traceparent": f"01-{TRACE}-{PARENT}-01-more"}}) == f"01-{TRACE}-{PARENT}-01"


def test_a_run_without_traces_loads_nothing_of_them() -> None:
    code = (
        "import sys; import syncflow.runtime.assembly, syncflow.runtime.traces.opening, syncflow.cli.run; "
        "print([name for name in sys.modules if name.startswith(('opentelemetry.sdk', 'opentelemetry.exporter', 'google.protobuf'))])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_a_job_has_a_span_in_which_its_requests_lie() -> None:
    kept = InMemorySpanExporter()
    provider = TracerProvider(sampler=ParentBased(Chance(1.0)), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(kept))

    async def main() -> None:
        traces = Traces(provider.get_tracer("syncflow"), clock=VirtualClock()).system("crm")
        job = Job("1-1", "crm", "Contact", "upsert", "Ext", "waiting", 0.0, (7,))
        deliveries: Any = [SimpleNamespace(event=1, route="people")]
        part = await traces.job(job, deliveries, cast("Journal", Beside({1: RECORDED})), resumed=True)
        slot = RequestSlot(ended="5xx", method="GET", host="crm.example", status=503)
        request = traces.request(slot, "upsert")
        assert part is not None
        assert request is not None
        traces.answered(request, slot)
        part.end(failed="it stands at waiting")

    run_virtually(main())
    request, job = kept.get_finished_spans()
    assert (job.name, request.name) == ("job crm/Contact", "GET")
    assert request.parent is not None
    assert request.parent.span_id == job.context.span_id
    assert [f"{link.context.trace_id:032x}" for link in job.links] == [TRACE]
    assert (job.status.description, job.attributes["syncflow.resumed"]) == ("it stands at waiting", True)  # type: ignore[index]
    assert dict(request.attributes or {}) == {
        "syncflow.system": "crm",
        "syncflow.operation": "upsert",
        "syncflow.outcome": "5xx",
        "http.request.method": "GET",
        "server.address": "crm.example",
        "http.response.status_code": 503,
        "error.type": "503",
    }
