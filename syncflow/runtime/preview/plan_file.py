"""A plan kept in a file, so that a run does exactly what a person has looked at (``plan --out FILE``, ``run --plan FILE``).

The file holds no record: what was planned is one keyed hash over every step, in order. A run plans anew before it sends, and refuses
where that comes to another hash, or where the project or the journal are not those of the plan. The key is the journal's own; before the
first run it is made for the plan, and stands in the file.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import orjson

from syncflow.errors import DataError
from syncflow.events import Raw
from syncflow.private_files import open_private
from syncflow.runtime.preview.seeds import Seeds
from syncflow.runtime.preview.steps import Effect, Step

VERSION = 1
"""Of the form of the file."""
_MADE_ANEW = "make a new one: syncflow plan --out FILE"


@dataclass(frozen=True, slots=True)
class JournalMark:
    """Where a journal stood: the numbers of its last event and delivery."""

    event: int
    delivery: int


@dataclass(frozen=True, slots=True)
class PlanFile:
    """What a run must find again. ``salt`` is empty where the journal's key was used."""

    fingerprint: str
    journal: JournalMark
    events: int
    steps: int
    digest: str
    salt: str
    made_at: float
    from_start: bool = False
    routes: tuple[str, ...] = ()
    """The routes that are to send; empty for all."""
    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """By route: how many deliveries have which effect, for a person who opens the file."""


class StepDigest:
    """One hash over events and steps in their order."""

    def __init__(self, key: bytes) -> None:
        self._hash = hashlib.blake2b(key=key[:64], digest_size=32)
        self.steps = 0

    def take(self, step: Step) -> None:
        each = step.delivery
        told = [each.route, each.operation, step.effect, step.is_sent, *each.record, *each.key, each.payload]
        self._hash.update(orjson.dumps(told, option=orjson.OPT_SORT_KEYS))
        self.steps += 1

    def read(self, raws: Sequence[Raw]) -> None:
        for raw in raws:
            self._hash.update(b"%d\n" % len(raw.body) + raw.body)

    @property
    def text(self) -> str:
        return self._hash.hexdigest()


def key_of(seeds: Seeds, salt: str = "") -> tuple[bytes, str]:
    """Return the key of a plan's hash and the salt that stands in its file; ``salt``: of a plan that was made before."""
    if key := seeds.sent_key:
        return key, ""
    salt = salt or secrets.token_hex(32)
    return bytes.fromhex(salt), salt


def mark_of(seeds: Seeds) -> JournalMark:
    """Return where the journal stands."""
    return JournalMark(*seeds.last_numbers)


def write_plan(path: Path, plan: PlanFile) -> None:
    """Write a plan for its owner alone (0600), in place of what the file held.

    Raises:
        DataError: it cannot be written.
    """
    text = json.dumps({"syncflow_plan": VERSION, **asdict(plan)}, indent=2) + "\n"
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(open_private(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL), "w", encoding="utf-8") as file:
            file.write(text)
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise DataError(f"the plan cannot be written to {path}: {error.strerror}") from error


def read_plan(path: Path) -> PlanFile:
    """Read a plan.

    Raises:
        DataError: there is none, or it is not whole, or of another version.
    """
    try:
        told: Any = json.loads(path.read_bytes())
    except OSError as error:
        raise DataError(f"the plan {path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise DataError(f"{path} is not a whole plan", hint=_MADE_ANEW) from error
    if not isinstance(told, dict) or not isinstance(told.get("syncflow_plan"), int):
        raise DataError(f"{path} is not a plan", hint=_MADE_ANEW)
    if told.pop("syncflow_plan") != VERSION:
        raise DataError(f"the plan {path} was made by another version of syncflow", hint=_MADE_ANEW)
    try:
        journal = JournalMark(**told.pop("journal"))
        plan = PlanFile(journal=journal, routes=tuple(told.pop("routes")), **told)
        bytes.fromhex(plan.salt)
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{path} is not a whole plan", hint=_MADE_ANEW) from error
    return plan


def refuse_another(plan: PlanFile, *, fingerprint: str, seeds: Seeds) -> None:
    """Refuse a plan that was made for another project, or before the journal moved.

    Raises:
        DataError: it was.
    """
    if plan.fingerprint != fingerprint:
        raise DataError("the plan was made for another project, or the project has changed since", hint=_MADE_ANEW)
    if plan.journal != mark_of(seeds) or bool(plan.salt) == (seeds.sent_key is not None):
        raise DataError("the journal has moved since the plan was made: a run went on", hint=_MADE_ANEW)


def refuse_other_steps(plan: PlanFile, *, events: int, digest: StepDigest) -> None:
    """Refuse to send where what would be sent is not what was planned.

    Raises:
        DataError: it is not.
    """
    if events < plan.events:
        raise DataError(
            f"the source has changed since the plan was made: it gives {events:,} of the {plan.events:,} events planned",
            hint=_MADE_ANEW,
        )
    if (digest.steps, digest.text) != (plan.steps, plan.digest):
        raise DataError(
            "a run would do something else than was planned: the source has changed, or a value depends on the time",
            hint=_MADE_ANEW,
        )


def told_counts(names: Sequence[str], effects: Mapping[str, Mapping[Effect, int]]) -> dict[str, dict[str, int]]:
    """Return counts without zeros, in the order of the routes."""
    return {
        name: {effect: count for effect, count in effects[name].items() if count} for name in names if name in effects
    }
