"""A server of this process that keeps what it is posted, for as long as a block lasts."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any


@contextmanager
def receiving(handler: type[BaseHTTPRequestHandler]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Give the address and what came in; the handler adds to ``server.taken``."""
    server = HTTPServer(("127.0.0.1", 0), handler)
    server.taken = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", server.taken  # type: ignore[attr-defined]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
