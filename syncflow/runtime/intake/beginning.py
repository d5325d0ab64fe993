"""Is the beginning of a file all bad? Then its schema, its envelope or the file is wrong, and the run stops. Pure.

Asked for a file that is read once, never for a webhook or a file that is followed: others send to these what they like. It counts from
the first event of a run until one comes to anything but a dead letter without a system (refused at the door, or taken by no route).
"""

from __future__ import annotations

from typing import Final

from syncflow.runtime.intake.planning import Plan

EVENTS_OF_A_SHARE: Final = 100


class Beginning:
    """``most``: the project's ``dead_letters.stop_after``; with a share, 100 events are a beginning."""

    def __init__(self, most: int | str) -> None:
        self._most = most if isinstance(most, int) else EVENTS_OF_A_SHARE
        self._bad = 0
        self._over = False

    def stop_after(self, plan: Plan) -> str:
        """Count what became of a chunk; return why the run must stop, or an empty text."""
        if self._over or not plan.events:
            return ""
        bad = {letter.event for letter in plan.dead_letters if not letter.system}
        first_good = next(
            (n for n, event in enumerate(plan.events) if event.seq not in bad or event.state != "dead"), None
        )
        self._over = first_good is not None
        self._bad += len(plan.events) if first_good is None else first_good
        if self._bad < self._most:
            return ""
        self._over = True
        code = plan.dead_letters[0].code
        return (
            f"the first {self._bad:,} events were all refused ({code}): look at the source, its `envelope` and the schema "
            "(`syncflow dlq list` says why, dead_letters.stop_after how many)"
        )
