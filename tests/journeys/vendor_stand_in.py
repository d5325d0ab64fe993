"""A system on the other side that takes everything it is sent, at once."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler
from typing import Any


class FakeSystem(BaseHTTPRequestHandler):
    """Says of each entry that it is done."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        entries = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["entries"]
        data = json.dumps({"results": [{"id": entry["delivery"]} for entry in entries], "errors": []}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args: Any) -> None:
        """Say nothing."""
