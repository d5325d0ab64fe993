"""What the console says of alerts: each cause once, with who was told of it, and the rules by which they are told. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from syncflow.runtime.alerts.standing import AlertStands, ReceiverStands, Standing


@dataclass(frozen=True, slots=True)
class Telling:
    """A receiver of one alert; ``told_at`` is None where it was not told yet, ``failing`` why."""

    host: str
    told_at: float | None = None
    failing: str = ""


@dataclass(frozen=True, slots=True)
class AlertView:
    """Something that is wrong. ``passes``: whether it can be over; a guard that stopped a pass is an event."""

    kind: str
    subject: str
    words: str
    since: float
    passes: bool
    told: Sequence[Telling]


@dataclass(frozen=True, slots=True)
class AlertsView:
    """What is wrong now, the newest first, and the rules."""

    alerts: Sequence[AlertView]
    rules: Sequence[ReceiverStands]


def alerts_view(standing: Standing) -> AlertsView:
    """Return alerts as the console shows them."""
    rules = {each.id: each for each in standing.receivers}
    found: dict[tuple[str, str], list[AlertStands]] = {}
    for each in standing.alerts:
        if each.receiver in rules:
            found.setdefault((each.kind, each.subject), []).append(each)
    views = [_view(same, rules) for same in found.values()]
    return AlertsView(sorted(views, key=lambda view: -view.since), standing.receivers)


def _view(same: Sequence[AlertStands], rules: dict[str, ReceiverStands]) -> AlertView:
    first = same[0]
    told = [
        Telling(rules[each.receiver].host, each.told_at or None, "" if each.told_at else rules[each.receiver].failing)
        for each in same
    ]
    return AlertView(first.kind, first.subject, first.words, min(each.since for each in same), first.passes, told)
