"""Ports of this machine for tests: a port that one test was given is given to no other test, and the system gives it to no client.

A port that the system picks is free only at that moment: until a server takes it (or while the server is down), any connection of any
process may get it as its own end. These ports lie below the range for such ends, and a lock held until the process ends reserves each.
"""

from __future__ import annotations

import fcntl
import os
import socket
import tempfile
from contextlib import suppress
from pathlib import Path
from random import SystemRandom
from typing import Final

from tests.patience import PATIENCE

_LOWEST: Final = 15_000
_LOCKS: Final = Path(tempfile.gettempdir()) / f"syncflow-test-ports-{os.getuid()}"
_held: list[int] = []
"""Descriptors of this process's locks."""


def free_port() -> int:
    """Return a port on which nothing listens, reserved until this process ends."""
    _LOCKS.mkdir(exist_ok=True)
    ports = range(_LOWEST, _first_of_the_system())
    for port in SystemRandom().sample(ports, len(ports)):
        if _reserve(port):
            return port
    raise AssertionError("no port is free")


def is_listening(port: int) -> bool:
    """Return whether a server takes connections there; on this machine the answer comes at once, or the machine is busy."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=PATIENCE):
        return True
    return False


def _first_of_the_system() -> int:
    """Return the lowest port that the system gives to clients."""
    told = Path("/proc/sys/net/ipv4/ip_local_port_range")
    first = int(told.read_text("ascii").split()[0]) if told.exists() else 32_768
    return first if first > _LOWEST + 1000 else 32_768


def _reserve(port: int) -> bool:
    lock = os.open(_LOCKS / str(port), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        os.close(lock)
        return False
    _held.append(lock)
    return True
