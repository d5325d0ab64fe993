"""A private Redis that writes an append-only file, as root or not."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis

from tests.patience import until
from tests.ports import free_port
from tests.servers import need


@dataclass
class Server:
    program: str
    folder: Path
    port: int
    options: tuple[str, ...] = ()
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        bound = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder)]
        kept = ["--appendonly", "yes", "--appendfsync", "always", "--save", ""]
        null = subprocess.DEVNULL
        command = [self.program, *bound, *kept, *self.options]
        self.process = subprocess.Popen(command, stdin=null, stdout=null, stderr=null, cwd=self.folder)
        until(self._answers, otherwise="Redis does not start")

    def _answers(self) -> bool:
        with contextlib.closing(self.client()) as client, contextlib.suppress(redis.exceptions.ConnectionError):
            return bool(client.ping())
        return False

    def client(self) -> Any:  # its own types know both kinds of client at once
        return redis.Redis(port=self.port, protocol=2)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()


@contextmanager
def running(*options: str) -> Iterator[Server]:
    program = need(shutil.which("redis-server"), "Redis")
    folder = Path(tempfile.mkdtemp(prefix="syncflow-redis-"))
    server = Server(program, folder, free_port(), options)
    try:
        server.start()
        yield server
    finally:
        server.kill()
        shutil.rmtree(folder, ignore_errors=True)
