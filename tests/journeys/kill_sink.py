"""The other side of the kill loop: ``python -m tests.journeys.kill_sink PORT LOG``.

It appends each request with the time of its arrival, and each effect before it is answered, to a file. Every append is one write, so a kill
loses nothing that was answered. Times are those of the machine's monotonic clock, which goes on while this process does not.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

BEFORE_SECONDS = 0.02
"""From the arrival of a request to its effect, and from there to its answer."""

_log = -1
_turn = threading.Lock()


def append(line: dict[str, Any]) -> None:
    os.write(_log, json.dumps(line).encode() + b"\n")


class Handler(BaseHTTPRequestHandler):
    """Takes ``{"entries": [...]}`` at /write and /delete; an entry whose name is ``refuse`` is refused."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with _turn:
            append({"at": time.monotonic(), "pid": os.getpid(), "path": self.path})
        time.sleep(BEFORE_SECONDS)
        entries = json.loads(body)["entries"]
        refused = [entry for entry in entries if entry.get("item", {}).get("name") == "refuse"]
        done = [entry for entry in entries if entry not in refused]
        with _turn:
            append({"effect": self.path, "entries": done, "refused": [entry["delivery"] for entry in refused]})
        time.sleep(BEFORE_SECONDS)
        self._answer(
            {
                "results": [{"id": entry["delivery"]} for entry in done],
                "errors": [{"id": entry["delivery"], "code": "refused", "message": "not wanted"} for entry in refused],
            }
        )

    def _answer(self, body: dict[str, Any]) -> None:
        data = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed closes its connection; that is no error here."""


def main(port: int, log: str) -> None:
    global _log  # noqa: PLW0603  # one process, one file
    _log = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    Server(("127.0.0.1", port), Handler).serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
