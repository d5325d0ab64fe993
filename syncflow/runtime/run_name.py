"""What a run is called, wherever it is spoken of: the journal, each line of a log of JSON, ``status``, ``/metrics``, exports, traces."""

from __future__ import annotations

import os
import re
import secrets
import socket
from collections.abc import Mapping
from typing import NamedTuple

from syncflow.errors import ProjectError

WORKER_VARIABLE = "SYNCFLOW_WORKER"

_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's: no letter that is taken for a digit; in the order of their bytes, so that ids sort as texts."""
_OF_TIME, _OF_CHANCE = 9, 4
_WORKER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


class RunName(NamedTuple):
    """``run`` names one run of one process, and no other: ids of later runs sort behind it. ``worker`` says where it runs.

    Both are empty where the run has no name (an ``Engine`` that is made by hand).
    """

    run: str = ""
    worker: str = ""


NAMELESS = RunName()


def new_run_name(environment: Mapping[str, str] = os.environ, *, now: float) -> RunName:
    """Name a run that starts now (wall seconds): 13 letters and digits, and ``SYNCFLOW_WORKER``, else the machine and the process.

    Raises:
        ProjectError: the variable holds what cannot stand in a label or a file's name.
    """
    return RunName(_run_id(now), _worker(environment))


def _run_id(now: float) -> str:
    """Milliseconds, and four digits by chance: two runs that start in the same one differ."""
    chance = secrets.randbelow(len(_DIGITS) ** _OF_CHANCE)
    return _written(int(now * 1000), _OF_TIME) + _written(chance, _OF_CHANCE)


def _written(number: int, length: int) -> str:
    return "".join(_DIGITS[number >> (5 * place) & 31] for place in reversed(range(length)))


def _worker(environment: Mapping[str, str]) -> str:
    given = environment.get(WORKER_VARIABLE, "")
    if not given:
        machine = re.sub(r"[^A-Za-z0-9._-]+", "-", socket.gethostname()).strip("-._")[:48]
        return f"{machine or 'here'}-{os.getpid()}"
    if not _WORKER.fullmatch(given):
        raise ProjectError(
            f"{WORKER_VARIABLE} is {given[:80]!r}, which cannot name a worker",
            hint="up to 63 letters, digits, `.`, `_` and `-`, beginning with a letter or a digit: SYNCFLOW_WORKER=crm-1",
        )
    return given
