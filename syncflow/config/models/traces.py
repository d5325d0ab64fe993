"""``traces:`` of ``routes.yaml``: spans of OpenTelemetry, for a collector."""

from __future__ import annotations

from pydantic import Field

from syncflow.config.models.base import Model
from syncflow.config.models.receivers import WebAddress
from syncflow.config.scalars import Name, Percent, Text


class TraceSettings(Model):
    """Spans of chunks, batches, jobs and requests, sent by OTLP over HTTP. What is left out is as the variables OTEL_* say."""

    to: WebAddress | None = Field(default=None, repr=False)
    """The collector, which takes OTLP over HTTP: http://collector:4318. An address with a path is used as it is; to one without,
    /v1/traces is added. Default: OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, OTEL_EXPORTER_OTLP_ENDPOINT, else http://localhost:4318. Secret: it
    is shown nowhere but its host."""
    headers: dict[Text, Text] = Field(default_factory=dict, repr=False)
    """Headers of each request to the collector, such as Authorization. Secret."""
    sample: Percent | None = None
    """The share of chunks, batches and jobs that are traced: 5%. One with an event of a trace that is recorded elsewhere is always traced.
    Default: OTEL_TRACES_SAMPLER, else 5%."""
    propagate: tuple[Name, ...] = ()
    """The systems whose requests carry the header ``traceparent``, so that what they do is part of the trace."""
