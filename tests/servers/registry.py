"""A stand-in for a schema registry on loopback: schemas by number, as Confluent's speaks."""

from __future__ import annotations

import json
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Registry:
    """``status``: what it answers instead, where that is not 200. ``asked``: the paths, in order."""

    def __init__(self) -> None:
        self.schemas: dict[int, dict[str, Any]] = {}
        self.subjects: dict[str, dict[str, Any]] = {}
        self.status = 200
        self.user = ""
        self.asked: list[str] = []
        self.url = ""

    def register(self, number: int, schema: object, *, kind: str = "AVRO", references: object = ()) -> None:
        self.schemas[number] = _body(schema, kind, references)

    def refer(self, subject: str, schema: object, *, references: object = ()) -> None:
        self.subjects[f"/subjects/{subject}/versions/1"] = _body(schema, "AVRO", references)

    def answer(self, path: str, authorization: str | None) -> tuple[int, object]:
        self.asked.append(path)
        if self.status != 200:
            return self.status, {"error_code": self.status, "message": "out of order"}
        if self.user and authorization != f"Basic {b64encode(self.user.encode()).decode()}":
            return 401, {"error_code": 401, "message": "Unauthorized"}
        if path == "/schemas/types":
            return 200, ["JSON", "PROTOBUF", "AVRO"]
        if path in self.subjects:
            return 200, self.subjects[path]
        number = path.removeprefix("/schemas/ids/")
        if number.isdigit() and int(number) in self.schemas:
            return 200, self.schemas[int(number)]
        return 404, {"error_code": 40403, "message": "Schema not found"}


def _body(schema: object, kind: str, references: object) -> dict[str, Any]:
    text = schema if isinstance(schema, str) else json.dumps(schema)
    return (
        {"schema": text}
        | ({} if kind == "AVRO" else {"schemaType": kind})
        | ({"references": references} if references else {})
    )


@contextmanager
def running() -> Iterator[Registry]:
    registry = Registry()

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = registry.answer(self.path, self.headers.get("Authorization"))
            written = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(written)))
            self.end_headers()
            self.wfile.write(written)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    registry.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield registry
    finally:
        server.shutdown()
        server.server_close()
