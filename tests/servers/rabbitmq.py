"""A private RabbitMQ. The programs of its package insist on a user and on folders of their own; the one in its library does not."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.patience import until
from tests.ports import free_port
from tests.servers import need

_USERS = {"sync": "secret-word", "reader": "secret-word", "stranger": "secret-word"}
_NOTHING = {"configure": "", "write": "", "read": ""}
_ALL = {"configure": ".*", "write": ".*", "read": ".*"}

DEFINITIONS = {
    "users": [{"name": name, "password": word, "tags": ""} for name, word in _USERS.items()],
    "vhosts": [{"name": "/"}, {"name": "crm"}],
    "permissions": [
        {"user": "sync", "vhost": "/", **_ALL},
        {"user": "sync", "vhost": "crm", **_ALL},
        {"user": "reader", "vhost": "/", "configure": "", "write": "", "read": "^contacts$"},
        {"user": "stranger", "vhost": "/", **_NOTHING},
    ],
    "queues": [{"name": "contacts", "vhost": "/", "durable": True, "auto_delete": False, "arguments": {}}],
}
"""``sync`` may do anything, ``reader`` read one queue, ``stranger`` nothing."""


@dataclass
class Server:
    port: int
    folder: Path
    environment: dict[str, str]
    process: subprocess.Popen[bytes] | None = None

    def url(self, user: str = "sync", *, vhost: str = "", port: int | None = None) -> str:
        return f"amqp://{user}:secret-word@127.0.0.1:{port or self.port}/{vhost}"

    def start(self) -> None:
        """Start it, in some seconds."""
        log = (self.folder / "out").open("wb")
        program = "/usr/lib/rabbitmq/bin/rabbitmq-server"
        self.process = subprocess.Popen(
            [program],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            start_new_session=True,
        )
        until(self._has_started_or_ended, otherwise="RabbitMQ does not start")
        assert self.process.poll() is None, (self.folder / "out").read_text("utf-8", "replace")

    def _has_started_or_ended(self) -> bool:
        assert self.process is not None
        return b"completed with" in (self.folder / "out").read_bytes() or self.process.poll() is not None

    def stop(self) -> None:
        """Kill it with its helpers."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@contextmanager
def running(*lines: str) -> Iterator[Server]:
    """Start a server; ``lines`` stand in its configuration."""
    program = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
    need(str(program) if program.exists() else None, "RabbitMQ")
    epmd = need(shutil.which("epmd"), "RabbitMQ")
    folder, port, names = Path(tempfile.mkdtemp(prefix="syncflow-rabbitmq-")), free_port(), free_port()
    (folder / "plugins").write_text("[].", "utf-8")
    (folder / "definitions.json").write_text(json.dumps(DEFINITIONS), "utf-8")
    config = f"listeners.tcp.1 = 127.0.0.1:{port}\nload_definitions = {folder}/definitions.json\n"
    config += "".join(f"{line}\n" for line in lines)
    (folder / "rabbit.conf").write_text(config, "utf-8")
    environment = os.environ | {
        "HOME": str(folder),
        "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
        "RABBITMQ_LOG_BASE": str(folder / "log"),
        "RABBITMQ_PID_FILE": str(folder / "pid"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
        "RABBITMQ_CONFIG_FILE": str(folder / "rabbit"),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1",
        "RABBITMQ_NODENAME": f"syncflow{port}@localhost",
        "RABBITMQ_DIST_PORT": str(free_port()),
        "ERL_EPMD_PORT": str(names),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
    }
    daemon = subprocess.Popen(
        [epmd], env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    server = Server(port, folder, environment)
    try:
        server.start()
        yield server
    finally:
        if server.process is not None and server.process.poll() is None:
            server.stop()
        with suppress(ProcessLookupError):
            daemon.kill()
        daemon.wait()
        shutil.rmtree(folder, ignore_errors=True)
