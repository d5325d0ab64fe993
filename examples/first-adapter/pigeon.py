"""Pigeon Post, an invented newsletter service for docs/your-first-adapter.md. It forgets everything when it ends.

POST /api/subscribers {"subscriber": {"ref": …}}   201 {"id": 1} · 409 {"error": {"code": "taken", "text": "A1 is subscriber 1"}}
PATCH /api/subscribers/1                           200 · 404
DELETE /api/subscribers/1                          204 · 404
GET /api/subscribers?ref=A1                        200 {"subscribers": [{"id": 1, "ref": "A1", …}]}

Every request carries X-Pigeon-Key: coo. A subscriber without a ref is 422; every tenth request is 503, for it is a small service.
"""

from __future__ import annotations

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock
from typing import Any

KEY = "coo"


class Pigeon(BaseHTTPRequestHandler):
    subscribers: dict[int, dict[str, Any]] = {}  # noqa: RUF012  # the whole service's, on purpose
    lock = Lock()
    asked = last = 0

    def do_GET(self) -> None:
        with self.lock:
            wanted = self.path.partition("?ref=")[2]
            found = [{"id": number, **one} for number, one in self.subscribers.items() if wanted in {"", one["ref"]}]
            self._answer(200, {"subscribers": found})

    def do_POST(self) -> None:
        sent = self._body().get("subscriber", {})
        with self.lock:
            if self._refused(sent):
                return
            known = [number for number, one in self.subscribers.items() if one["ref"] == sent["ref"]]
            if known:
                self._wrong(409, "taken", f"{sent['ref']} is subscriber {known[0]}")
                return
            number = type(self).last = self.last + 1
            self.subscribers[number] = sent
            self._answer(201, {"id": number})

    def do_PATCH(self) -> None:
        sent = self._body().get("subscriber", {})
        with self.lock:
            if self._refused(sent) or self._unknown():
                return
            self.subscribers[self._number()].update(sent)
            self._answer(200, {"id": self._number()})

    def do_DELETE(self) -> None:
        with self.lock:
            if self._refused({"ref": "-"}) or self._unknown():
                return
            del self.subscribers[self._number()]
            self._answer(204)

    def _refused(self, sent: dict[str, Any]) -> bool:
        type(self).asked += 1
        if self.headers["X-Pigeon-Key"] != KEY:
            self._wrong(401, "key", "this is not the key")
        elif self.asked % 10 == 0:
            self._wrong(503, "tired", "the pigeon rests")
        elif not sent.get("ref"):
            self._wrong(422, "ref", "a subscriber needs a ref")
        else:
            return False
        return True

    def _unknown(self) -> bool:
        if self._number() in self.subscribers:
            return False
        self._wrong(404, "unknown", "there is no such subscriber")
        return True

    def _number(self) -> int:
        last = self.path.rpartition("/")[2]
        return int(last) if last.isdigit() else 0

    def _body(self) -> dict[str, Any]:
        read: dict[str, Any] = json.loads(self.rfile.read(int(self.headers["Content-Length"] or 0)))
        return read

    def _wrong(self, status: int, code: str, text: str) -> None:
        self._answer(status, {"error": {"code": code, "text": text}})

    def _answer(self, status: int, body: object = None) -> None:
        content = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Keep the terminal quiet."""


if __name__ == "__main__":
    port = int(os.environ.get("MOCK_PORT", "8000"))
    server = ThreadingHTTPServer(("127.0.0.1", port), Pigeon)
    print("ready", flush=True)
    server.serve_forever()
