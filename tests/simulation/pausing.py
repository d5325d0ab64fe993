"""What people pause and resume while runs come, go and are killed; and that nothing is sent to what is paused.

Only some seeds have any of it (``Pausing.asked``), so that the others stay as hard on everything else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from syncflow.runtime.desk import browse
from syncflow.runtime.desk.operator_actions import Noted
from syncflow.runtime.desk.pausing import pause, pauses, resume
from syncflow.runtime.pauses import What

OBEYED_SECONDS = 130.0
"""A pause is seen within a second, and the requests of a batch that has begun then end within their time-outs and waits."""
_SOMEBODY = Noted("somebody", "of the simulation")


@dataclass
class Pausing:
    """``now`` tells true seconds; ``path`` is the journal's file."""

    path: Path
    random: Random
    now: Callable[[], float]
    asked: bool = False
    since: dict[tuple[What, str], float] = field(default_factory=dict)
    """What is paused, and since when."""
    times: int = 0

    def __post_init__(self) -> None:
        self.asked = self.random.random() < 0.25

    def act(self) -> None:
        """Pause something, or resume it."""
        if not self.asked or not self.path.exists():
            return
        if self.since and self.random.random() < 0.5:
            self._resume(self.random.choice(sorted(self.since)))
            return
        what: What = self.random.choice(("system", "route"))
        names = sorted({str(row[what]) for row in browse.places(self.path)})
        if names:
            name = self.random.choice(names)
            pause(self.path, what, name, noted=_SOMEBODY)
            self.since.setdefault((what, name), self.now())
            self.times += 1

    def end(self) -> None:
        """Resume everything: what still waits is to be delivered now."""
        for what, name in sorted(self.since):
            self._resume((what, name))
        if self.path.exists():  # a name that changed meanwhile is paused under the new one
            for row in pauses(self.path):
                resume(self.path, row["what"], row["name"], noted=_SOMEBODY)

    def complains(self, system: str) -> bool:
        """Whether a request to a system comes although it was paused long ago."""
        since = self.since.get(("system", system))
        return since is not None and self.now() - since > OBEYED_SECONDS

    def _resume(self, which: tuple[What, str]) -> None:
        resume(self.path, *which, noted=_SOMEBODY) if self._is_paused(which) else None
        del self.since[which]

    def _is_paused(self, which: tuple[What, str]) -> bool:
        return any((row["what"], row["name"]) == which for row in pauses(self.path))
