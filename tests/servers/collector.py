"""A collector of OpenTelemetry: takes OTLP over HTTP, reads it with the protocol's own messages, and misbehaves where asked to."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

How = Literal["takes", "refuses", "redirects", "never_answers", "never_ends"]


@dataclass
class Taken:
    """What came in: requests as sent, with their headers, and what stood in them."""

    url: str = ""
    headers: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)
    """Lets go of those who wait for an answer that never comes."""

    @property
    def requests(self) -> list[ExportTraceServiceRequest]:
        return [ExportTraceServiceRequest.FromString(body) for body in self.bodies]

    @property
    def spans(self) -> list[Span]:
        return [
            span
            for request in self.requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    @property
    def resource(self) -> dict[str, Any]:
        return values(self.requests[0].resource_spans[0].resource)


def values(of: Any) -> dict[str, Any]:
    """Return attributes as they were given."""
    return {each.key: _value(each.value) for each in of.attributes}


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(each) for each in value.array_value.values]
    return getattr(value, kind)


def _handler(taken: Taken, how: How) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # the library's name
            body = self.rfile.read(int(self.headers["content-length"]))
            if how == "never_answers":
                taken.released.wait()
                return
            taken.headers.append({name.lower(): value for name, value in self.headers.items()})
            taken.paths.append(self.path)
            taken.bodies.append(body)
            self.send_response({"refuses": 503, "redirects": 307}.get(how, 200))
            if how == "redirects":
                self.send_header("location", "http://127.0.0.1:9/elsewhere")
            if how == "refuses":
                self.send_header("retry-after", "86400")
            if how != "never_ends":
                self.send_header("content-length", "0")
            self.end_headers()
            while how == "never_ends" and not taken.released.is_set():
                self.wfile.write(b"x" * 65536)

        def log_message(self, *_: Any) -> None: ...

        def handle(self) -> None:
            try:
                super().handle()
            except OSError:  # the other side has gone: it reads no more than it needs
                self.close_connection = True

    return Handler


@contextmanager
def collector(how: How = "takes") -> Iterator[Taken]:
    taken = Taken()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(taken, how))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    taken.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield taken
    finally:
        taken.released.set()
        server.shutdown()
        thread.join()
        server.server_close()
