"""A private stand-in for Azure's Blob Storage (Azurite, of its makers), which needs Node."""

from __future__ import annotations

import base64
import hashlib
import hmac
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from pathlib import Path

import httpx

from tests.patience import PATIENCE, until
from tests.ports import free_port, is_listening
from tests.servers import need

ROOT = Path(__file__).parents[2]
PROGRAM = ROOT / "tests/sources/objects/node/node_modules/azurite/dist/src/blob/main.js"
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="  # published: every Azurite has it


class Azurite:
    """Its one account is at ``address``."""

    def __init__(self) -> None:
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}/{ACCOUNT}"
        node = need(shutil.which("node"), "node")
        program = need(str(PROGRAM) if PROGRAM.exists() else None, "azurite (make node-clients)")
        self._command = [
            node, program, "--blobHost", "127.0.0.1", "--blobPort", str(self.port),
            "--inMemoryPersistence", "--silent", "--disableTelemetry", "--skipApiVersionCheck",
        ]  # fmt: skip
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        null = subprocess.DEVNULL
        self._process = subprocess.Popen(self._command, stdin=null, stdout=null, stderr=null)
        until(lambda: is_listening(self.port), otherwise="azurite does not start")

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def create_container(self, name: str) -> None:
        """Make an empty container, by a request that is signed with the key of the account (Shared Key, version 2021-08-06)."""
        date = formatdate(usegmt=True)
        lines = ["PUT", *[""] * 11, f"x-ms-date:{date}", "x-ms-version:2021-08-06"]
        text = "\n".join([*lines, f"/{ACCOUNT}/{ACCOUNT}/{name}", "restype:container"])
        digest = hmac.new(base64.b64decode(KEY), text.encode(), hashlib.sha256).digest()
        signed = {"Authorization": f"SharedKey {ACCOUNT}:{base64.b64encode(digest).decode()}"}
        headers = {"x-ms-date": date, "x-ms-version": "2021-08-06", **signed}
        answer = httpx.put(f"{self.address}/{name}?restype=container", headers=headers, timeout=PATIENCE)
        assert answer.status_code in {201, 409}, answer.text


@contextmanager
def running() -> Iterator[Azurite]:
    """Give a server that is started."""
    server = Azurite()
    server.start()
    try:
        yield server
    finally:
        server.stop()
