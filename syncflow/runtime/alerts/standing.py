"""How alerts stand, as the journal keeps it: the receivers, and what is wrong by the rules of each. Values only.

A console beside a run reads it, and the next run goes on with it: what was told is not told anew, and that it is over is told too.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

from syncflow.config.models.alerts import AlertSettings


@dataclass(frozen=True, slots=True)
class ReceiverStands:
    """A rule of ``alerts:``. ``id`` is made of the address, which is secret; only its host is kept."""

    id: str
    host: str
    shape: str
    causes: tuple[str, ...]
    every: float
    parked: float
    lag: float
    failing: str = ""
    """Why it did not take the last alert; empty where it did."""


@dataclass(frozen=True, slots=True)
class AlertStands:
    """Something that is wrong by the rules of a receiver. Times are in wall seconds; ``told_at`` is 0 where it was not told yet."""

    receiver: str
    kind: str
    subject: str
    words: str
    count: int = 0
    passes: bool = True
    since: float = 0.0
    told_at: float = 0.0

    @property
    def key(self) -> tuple[str, str, str]:
        return self.receiver, self.kind, self.subject


@dataclass(frozen=True, slots=True)
class Standing:
    """All receivers and alerts of a journal."""

    receivers: tuple[ReceiverStands, ...] = ()
    alerts: tuple[AlertStands, ...] = ()

    def without_words(self) -> Standing:
        return replace(self, alerts=tuple(replace(each, words="") for each in self.alerts))


def id_of(settings: AlertSettings) -> str:
    """Return a receiver's id: the same one as long as its address is the same, from which nobody learns the address."""
    return hashlib.sha256(b"syncflow alerts\0" + settings.to.encode()).hexdigest()[:16]
