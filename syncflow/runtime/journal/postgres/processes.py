"""Which process wrote something, and whether it is still there: only of this machine can that be known for certain."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def process_place() -> str:
    """Return which process this is, of which run of which machine; empty where the system does not tell.

    The machine is known by the id of its start, containers by their process namespace, and a process by when it was started.
    """
    with suppress(OSError, IndexError):
        return f"{_machine()} {os.getpid()} {_started(os.getpid())}"
    return ""


def is_gone(place: str) -> bool:
    """Whether a process, by what ``process_place`` said there, ran on this machine, and is there no more."""
    machine, _, process = place.rpartition(" ")[0].rpartition(" ")
    try:
        if not process.isdecimal() or machine != _machine():
            return False
        return _started(int(process)) != place.rpartition(" ")[2]
    except FileNotFoundError:
        return True
    except (OSError, IndexError):
        return False


def _machine() -> str:
    boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    return f"{boot} {Path('/proc/self/ns/pid').readlink()}"


def _started(process: int) -> str:
    """Return when a process was started, as the system counts; ``ended`` for one that is dead and was not waited for.

    Raises:
        FileNotFoundError: it is not there.
    """
    fields = Path(f"/proc/{process}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    return "ended" if fields[0] in "ZX" else fields[19]
