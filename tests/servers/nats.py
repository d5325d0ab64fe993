"""A private NATS with JetStream."""

from __future__ import annotations

import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.patience import until
from tests.ports import free_port, is_listening
from tests.servers import need


@dataclass
class Server:
    program: str
    port: int
    folder: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    def start(self) -> None:
        command = [self.program, "-c", str(self.folder / "nats.conf")]
        null = subprocess.DEVNULL
        self.process = subprocess.Popen(command, stdin=null, stdout=null, stderr=null, cwd="/")
        until(self._has_started_or_ended, otherwise="NATS does not start")
        assert self.process.poll() is None, (self.folder / "log").read_text("utf-8")

    def _has_started_or_ended(self) -> bool:
        assert self.process is not None
        return is_listening(self.port) or self.process.poll() is not None

    def stop(self, how: int = signal.SIGKILL) -> None:
        assert self.process is not None
        self.process.send_signal(how)
        self.process.wait()


@contextmanager
def running(more: str = "jetstream {{store_dir: '{folder}/data'}}") -> Iterator[Server]:
    """Start a server; ``more`` stands in its configuration."""
    program = need(shutil.which("nats-server"), "NATS")
    folder = Path(tempfile.mkdtemp(prefix="syncflow-nats-"))
    server = Server(program, free_port(), folder)
    config = f"listen: 127.0.0.1:{server.port}\nlog_file: '{folder}/log'\n{more.format(folder=folder)}\n"
    (folder / "nats.conf").write_text(config, "utf-8")
    try:
        server.start()
        yield server
    finally:
        if server.process is not None and server.process.poll() is None:
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)
