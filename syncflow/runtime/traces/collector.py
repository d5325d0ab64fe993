"""From spans to a collector, by OTLP over HTTP: in a thread, from a bounded queue, with bounded answers. A collector costs a run nothing.

Spans that do not fit into the queue, and those that are not taken, are lost and told of. At the end a run waits for what is left, but not
longer than ``ENDING_SECONDS``.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import requests
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased, Sampler, SamplingResult, TraceIdRatioBased
from opentelemetry.trace import Link, SpanKind, TraceState
from opentelemetry.trace import TracerProvider as AnyProvider
from opentelemetry.util.types import Attributes

from syncflow.runtime.observe import warn

ENDING_SECONDS = 0.8
"""Longest wait for a collector at the end of a run."""
_LAST_SECONDS = 0.1
"""For an exporter that waits to try again, once it is told not to."""


class Chance(Sampler):
    """Takes a share of all traces, and each that is linked to one which is recorded elsewhere."""

    def __init__(self, share: float) -> None:
        self._by_chance = TraceIdRatioBased(share)

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        recorded = any(link.context.trace_flags.sampled for link in links or ())
        choose = ALWAYS_ON if recorded else self._by_chance
        return choose.should_sample(parent_context, trace_id, name, kind, attributes, links, trace_state)

    def get_description(self) -> str:
        return f"syncflow: {self._by_chance.rate:g}, or linked to what is recorded"


class _Session(requests.Session):
    """Reads no answer further than its head, follows no redirect, and says how the last request ended."""

    def __init__(self) -> None:
        super().__init__()
        self.ended = "no answer"

    def send(self, request: requests.PreparedRequest, **given: Any) -> requests.Response:
        self.ended = "no answer"
        response = super().send(request, **(given | {"stream": True, "allow_redirects": False}))
        response.close()
        response._content = b""
        self.ended = f"status {response.status_code}"
        if response.is_redirect:
            response.status_code = 400  # the exporter takes it for good, and it has brought the spans nowhere
        return response


class _Telling(SpanExporter):
    """Tells of spans that the collector did not take."""

    def __init__(self, exporter: SpanExporter, session: _Session, host: str) -> None:
        self._exporter = exporter
        self._session = session
        self._host = host
        self._under_way = 0
        self._has_ended = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self._under_way = len(spans)
        try:
            result = self._exporter.export(spans)
        except Exception as error:  # noqa: BLE001  # a bulkhead: whatever the library and the collector make of it
            self._tell(len(spans), type(error).__name__)
            return SpanExportResult.FAILURE
        finally:
            self._under_way = 0
        if result is not SpanExportResult.SUCCESS:
            self._tell(len(spans), self._session.ended)
        return result

    def give_up(self) -> None:
        """Tell of what is under way, and wait for no second try."""
        if self._under_way:
            self._tell(self._under_way, "the run has ended")
            self._has_ended = True
        self._exporter.shutdown()

    def _tell(self, count: int, reason: str) -> None:
        if not self._has_ended:
            warn("traces.lost", host=self._host, spans=count, reason=reason)

    def shutdown(self) -> None:
        self._exporter.shutdown()


class Collector:
    """What takes spans, and ends with the run."""

    def __init__(
        self, *, url: str | None, headers: Mapping[str, str], sampler: Sampler | None, about: Mapping[str, str]
    ) -> None:
        """``url``: None for what the variables OTEL_* say. ``sampler``: None for what they say. ``about``: what the run is."""
        session = _Session()
        exporter = OTLPSpanExporter(endpoint=url, headers=dict(headers) or None, session=session)
        host = urlsplit(url or exporter._endpoint).hostname or ""
        chosen = sampler and ParentBased(sampler)
        self._provider = TracerProvider(sampler=chosen, resource=Resource.create(dict(about)), shutdown_on_exit=False)
        self._exporter = _Telling(exporter, session, host)
        self._provider.add_span_processor(BatchSpanProcessor(self._exporter))

    @property
    def provider(self) -> AnyProvider:
        """What makes tracers."""
        return self._provider

    def close(self) -> None:
        """Send what is left, within bounds; blocks, so it is called in a thread or where nothing else is to be done."""
        closing = threading.Thread(target=self._provider.shutdown, name="traces end", daemon=True)
        closing.start()
        closing.join(ENDING_SECONDS)
        if closing.is_alive():
            self._exporter.give_up()
            closing.join(_LAST_SECONDS)
