"""The spans of a run. The home of OpenTelemetry's interface: a tracer is handed in, and what is made of spans is not known here.

Times are those of the run's clock. Attributes follow the conventions for HTTP clients and messaging where these have a name
(https://opentelemetry.io/docs/specs/semconv/), and begin with ``syncflow.`` where they do not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from opentelemetry import trace
from opentelemetry.context import attach
from opentelemetry.trace import Link, Span, SpanContext, SpanKind, Status, StatusCode, TraceFlags, Tracer

from syncflow.adapters.gate import RequestSlot
from syncflow.clock import Clock
from syncflow.events import Batch, Delivery, Job, Outcome, Raw, Verdict
from syncflow.runtime.bulkheads import Bugs
from syncflow.runtime.journal.base import Journal, JournaledEvent
from syncflow.runtime.traces.links import MOST_LINKS, CameWith
from syncflow.sources.traceparent import traceparent_of

_GOOD = frozenset({Verdict.DELIVERED, Verdict.ALREADY_DONE, Verdict.UNCHANGED})
_GOOD_ENDINGS = frozenset({"2xx", "3xx", "answered"})
_MOST_PARTITIONS = 8
Values = Mapping[str, str | int | Sequence[str]]


class Traces:
    """Of one run. ``propagate``: the systems whose requests say of which trace they are."""

    def __init__(self, tracer: Tracer, *, clock: Clock, propagate: frozenset[str] = frozenset()) -> None:
        self._tracer = tracer
        self._clock = clock
        self._propagate = propagate
        self._came = CameWith()
        self._bugs = Bugs()

    def system(self, name: str) -> SystemTraces:
        """Return what traces one system."""
        return SystemTraces(self._tracer, name, self._came, self._clock, self._bugs, propagates=name in self._propagate)

    def heard(self, events: Sequence[JournaledEvent]) -> None:
        """Remember with which traces events came that were just journaled."""
        try:
            self._came.heard(events)
        except Exception as error:  # noqa: BLE001  # a bulkhead
            self._bugs.tell(error, during="traces of events were noted")

    def chunk(self, raws: Sequence[Raw], *, read_at: float, from_: float) -> None:
        """Tell of a chunk that is committed now: read then, and written to the journal from ``from_`` on (wall seconds)."""
        try:
            parents = dict.fromkeys(parent for raw in raws if raw.meta and (parent := traceparent_of(raw.meta)))
            partitions = sorted({raw.position.partition for raw in raws})[:_MOST_PARTITIONS]
            span = self._tracer.start_span(
                "chunk",
                kind=SpanKind.CONSUMER,
                links=_links(parents),
                start_time=_ns(read_at),
                attributes={
                    "messaging.system": "syncflow",
                    "messaging.operation.type": "receive",
                    "messaging.batch.message_count": len(raws),
                    "syncflow.partitions": partitions,
                },
            )
            now = _ns(self._clock.now())
            if span.is_recording():
                writing = self._tracer.start_span(
                    "commit", context=trace.set_span_in_context(span), start_time=min(_ns(from_), now)
                )
                writing.end(now)
            span.end(now)
        except Exception as error:  # noqa: BLE001  # a bulkhead
            self._bugs.tell(error, during="a chunk was traced")


class SystemTraces:
    """Of one system. What begins here belongs to the task that begins it: its requests find it by the task's context."""

    def __init__(
        self, tracer: Tracer, name: str, came: CameWith, clock: Clock, bugs: Bugs, *, propagates: bool
    ) -> None:
        self._tracer = tracer
        self._name = name
        self._came = came
        self._clock = clock
        self._bugs = bugs
        self._propagates = propagates

    async def batch(self, batch: Batch, journal: Journal) -> Part | None:
        """Begin the span of a batch that is sent by the calling task.

        Raises:
            UnavailableError: the journal failed.
        """
        parents = await self._came.of(batch.deliveries, journal)
        return self._part(
            f"send {batch.system}/{batch.object}",
            batch.deliveries,
            {
                "messaging.destination.name": f"{batch.system}/{batch.object}",
                "syncflow.operation": batch.operation,
                "syncflow.batch": batch.id,
            },
            parents,
        )

    async def job(self, job: Job, deliveries: Sequence[Delivery], journal: Journal, *, resumed: bool) -> Part | None:
        """Begin the span of a job that is carried on by the calling task.

        Raises:
            UnavailableError: the journal failed.
        """
        parents = await self._came.of(deliveries, journal)
        values: Values = {
            "messaging.destination.name": f"{job.system}/{job.object}",
            "syncflow.operation": job.operation,
            "syncflow.batch": job.id,
            "syncflow.resumed": resumed,
        }
        return self._part(f"job {job.system}/{job.object}", deliveries, values, parents)

    def _part(self, name: str, deliveries: Sequence[Delivery], values: Values, parents: Iterable[str]) -> Part | None:
        try:
            span = self._tracer.start_span(
                name,
                kind=SpanKind.PRODUCER,
                links=_links(parents),
                start_time=_ns(self._clock.now()),
                attributes={
                    "messaging.system": "syncflow",
                    "messaging.operation.type": "send",
                    "messaging.batch.message_count": len(deliveries),
                    "syncflow.routes": sorted({delivery.route for delivery in deliveries}),
                    **values,
                },
            )
            attach(trace.set_span_in_context(span))  # the task's own context ends with it
            return Part(span, self._clock)
        except Exception as error:  # noqa: BLE001  # a bulkhead
            self._bugs.tell(error, during="a batch was traced")
            return None

    def request(self, slot: RequestSlot, operation: str) -> Span | None:
        """Begin the span of a request of the calling task, and let its slot say what is to be sent along; None where none is wanted."""
        try:
            part = trace.get_current_span()
            if not (part.is_recording() or self._propagates):
                return None
            span = self._tracer.start_span("request", kind=SpanKind.CLIENT, start_time=_ns(self._clock.now()))
            if span.is_recording():
                span.set_attributes({"syncflow.system": self._name, "syncflow.operation": operation})
            if self._propagates:
                slot.headers = (("traceparent", _traceparent(span.get_span_context())),)
        except Exception as error:  # noqa: BLE001  # a bulkhead
            self._bugs.tell(error, during="a request was traced")
            return None
        return span

    def answered(self, span: Span, slot: RequestSlot) -> None:
        """End the span of a request."""
        try:
            if span.is_recording():
                _tell_answer(span, slot)
            span.end(_ns(self._clock.now()))
        except Exception as error:  # noqa: BLE001  # a bulkhead
            self._bugs.tell(error, during="a request was traced")


class Part:
    """A batch or a job under way."""

    def __init__(self, span: Span, clock: Clock) -> None:
        self._span = span
        self._clock = clock

    def end(self, outcomes: Mapping[int, Outcome] | None = None, *, failed: str = "") -> None:
        """End it, with what became of its deliveries as far as that is known; ``failed`` says in a word of ours why it went wrong."""
        if self._span.is_recording():
            counts = Counter(str(outcome.verdict) for outcome in (outcomes or {}).values())
            self._span.set_attributes({f"syncflow.{verdict}": count for verdict, count in counts.items()})
            failed = failed or ("not all was taken" if counts.keys() - _GOOD else "")
            if failed:
                self._span.set_status(Status(StatusCode.ERROR, failed))
        self._span.end(_ns(self._clock.now()))


def _tell_answer(span: Span, slot: RequestSlot) -> None:
    values: dict[str, str | int] = {"syncflow.outcome": slot.ended}
    if slot.method:
        span.update_name(slot.method)
        values["http.request.method"] = slot.method
    if slot.host:
        values["server.address"] = slot.host
    if slot.status is not None:
        values["http.response.status_code"] = slot.status
    if slot.ended not in _GOOD_ENDINGS:
        values["error.type"] = str(slot.status) if slot.status is not None else slot.ended
        span.set_status(Status(StatusCode.ERROR))
    span.set_attributes(values)


def _links(parents: Iterable[str]) -> list[Link]:
    return [Link(_context(parent)) for parent, _ in zip(parents, range(MOST_LINKS), strict=False)]


def _context(parent: str) -> SpanContext:
    """Return what a ``traceparent`` says; it is known to be right."""
    return SpanContext(
        int(parent[3:35], 16),
        int(parent[36:52], 16),
        is_remote=True,
        trace_flags=TraceFlags(int(parent[53:55], 16) & 1),
    )


def _traceparent(context: SpanContext) -> str:
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags & 1:02x}"


def _ns(seconds: float) -> int:
    return int(seconds * 1e9)
