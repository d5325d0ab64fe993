"""A private stand-in for Amazon's S3 and SQS (moto), in a process of its own."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec

from tests.servers import free_port, need


class Moto:
    """``stop`` kills it; what it held is gone then. ``start`` begins anew, at the same port."""

    def __init__(self) -> None:
        need("moto" if find_spec("moto") and find_spec("flask") else None, "moto")
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        null = subprocess.DEVNULL
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)]
        self._process = subprocess.Popen(command, stdin=null, stdout=null, stderr=null)
        for _ in range(600):
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return
            time.sleep(0.1)
        raise AssertionError("moto does not start")

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@contextmanager
def running() -> Iterator[Moto]:
    """Give a server that is started."""
    server = Moto()
    server.start()
    try:
        yield server
    finally:
        server.stop()
