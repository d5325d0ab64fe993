"""One delivery, and what it would do on the other side. Pure.

in: the delivery, its turn, what the shadow knows of its place, and in which fields it differs
out: a ``Step``
"""

from __future__ import annotations

from typing import Literal

from syncflow.compiler.program import RoutePlan
from syncflow.events import Delivery, Outcome, Verdict
from syncflow.frozen import value_class
from syncflow.runtime.delivery.turn import Go, Overtaken, Turn, unsent
from syncflow.runtime.journal.base import TurnFacts
from syncflow.runtime.preview.last_payloads import Differences

Effect = Literal["create", "change", "key_change", "delete", "unchanged", "unknown", "gone", "overtaken", "dead"]
"""create: the record is not known to be there · change: some fields differ · key_change: it gets another key, maybe with other fields ·
delete · unchanged: it is there as it would be sent · unknown: what was sent last is not known any more, or it is not known whether there
is anything to delete · gone: a delete of what is not there · overtaken: something newer was planned before · dead: a dead letter."""

EFFECTS: tuple[Effect, ...] = (
    "create",
    "change",
    "key_change",
    "delete",
    "unchanged",
    "unknown",
    "gone",
    "overtaken",
    "dead",
)


@value_class
class Step:
    """``delivery`` is as it would be sent."""

    delivery: Delivery
    effect: Effect
    is_sent: bool
    """Whether a request carries it: a route that sends everything also sends what is there already."""
    fields: tuple[str, ...] = ()
    """The fields that differ from what was sent last; of a create, all."""
    unknown: tuple[str, ...] = ()
    """Fields of which it is not known what was sent last."""
    outcome: Outcome | None = None
    """How it ends without a request; of a dead letter, its code and reason."""
    is_carried: bool = False
    """Whether an earlier run left it open."""
    before: int = 0
    """The journaled delivery whose payload it was compared with; 0 where there is none."""


def step_of(
    delivery: Delivery,
    turn: Turn,
    facts: TurnFacts,
    route: RoutePlan,
    differences: Differences,
    *,
    by_another: bool = False,
) -> Step:
    """Say what a delivery would do. ``differences``: of the payload as it was planned.

    ``by_another``: another route holds the same record under the same key.
    """
    if isinstance(turn, Overtaken):
        return Step(delivery, "overtaken", is_sent=False)
    outcome = unsent(delivery, turn, route)
    if outcome is not None:
        effect: Effect = "dead" if outcome.verdict is Verdict.REJECTED else "gone"
        if outcome.verdict is Verdict.UNCHANGED:
            effect = "unchanged"
        return Step(delivery, effect, is_sent=False, outcome=outcome)
    assert isinstance(turn, Go), "all others are unsent"
    sent = turn.delivery
    own = facts.own
    if own is None or not own.held:
        return _of_unknown(sent, by_another=by_another)
    if sent.operation == "delete":
        return Step(sent, "delete", is_sent=True)
    if by_another:  # it may have written since
        differences = Differences((), tuple(sent.payload))
    effect = _effect(differences, is_sure=own.proven)
    if own.held != route.compared(sent.key):
        effect = "key_change"
    return Step(
        sent, effect, is_sent=True, fields=differences.changed, unknown=differences.unknown, before=differences.before
    )


def _of_unknown(sent: Delivery, *, by_another: bool) -> Step:
    """Of a record that its route never brought there."""
    names = tuple(sent.payload)
    if sent.operation == "delete":
        return Step(sent, "unknown", is_sent=True)
    if by_another or sent.operation == "update":
        return Step(sent, "unknown", is_sent=True, unknown=names)
    return Step(sent, "create", is_sent=True, fields=names)


def _effect(differences: Differences, *, is_sure: bool) -> Effect:
    if differences.changed:
        return "change"
    return "unknown" if differences.unknown or not is_sure else "unchanged"
