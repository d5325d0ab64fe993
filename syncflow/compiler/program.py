"""The program: a project compiled and frozen. All that a run needs, and nothing of YAML, Jinja or configuration models.

In: models of a checked project (see ``compiler.build``). Out: plain values and functions, safe to share between tasks, swapped as one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Literal

from syncflow.events import Accepted, Action, Change, Ignored, Key, Raw, Refused, Routed
from syncflow.frozen import value_class
from syncflow.key_rules import KeyRules

if TYPE_CHECKING:
    from syncflow.compiler.changed import Changed
    from syncflow.compiler.door.intake import Completion
    from syncflow.compiler.mapping.partly import Partly
    from syncflow.compiler.mapping.unread import Unread
    from syncflow.compiler.policies import RetryPolicy
    from syncflow.compiler.wire.system import SystemPlan


@value_class
class RecordPlan:
    """How one kind of record is ordered."""

    kind: str
    whole: bool
    version: Literal["arrival", "timestamp"]
    max_skew_seconds: float
    was: tuple[str, ...] = ()
    """Names that it had before."""


@value_class
class AfterPlan:
    """How long a record waits for those of a kind that it refers to, and what becomes of it where one does not come."""

    wait_seconds: float
    without: tuple[str, ...] = ()
    """The fields that are then left out; none: it is given up."""


@value_class
class RoutePlan:
    """One route to one system; a ``by`` with a ``table`` becomes one of these for each system it names (``contacts/crm``)."""

    name: str
    kind: str
    system: str
    object: str
    operations: Mapping[Change, Action | None]
    on_leave: Literal["keep", "delete"]
    on_key_change: Literal["update", "delete_old", "dead_letter"]
    key_names: tuple[str, ...]
    """The fields of which one is a record's key, the preferred first."""
    key_rules: KeyRules
    """Which keys are the same there."""
    was: tuple[str, ...] = ()
    """Names that it had before."""
    changed: Changed | None = None
    """How it compares what it would send with what it delivered; None where it sends everything."""
    keeps: tuple[str, ...] = ()
    """Fields of the last payload that a delete needs."""
    after: Mapping[str, AfterPlan] = field(default_factory=dict)
    """The kinds of record that its records refer to."""
    remembers: bool = False
    """Whether the journal keeps which fields it delivered (Sent); decided when the project is compiled, for it costs a row a record."""

    def compared(self, key: Key) -> str:
        """Return a key as it is compared: two are the same there when these are equal."""
        return self.key_rules.compared(key)


@value_class
class Program:
    """Everything compiled. Two projects with the same fingerprint do the same."""

    fingerprint: str
    records: Mapping[str, RecordPlan]
    routes: Mapping[str, RoutePlan]
    systems: Mapping[str, SystemPlan]
    retry: RetryPolicy
    unrouted: Literal["dead_letter", "ignore"]
    stop_after: int | str
    check: Callable[[Raw], Accepted | Ignored | Refused]
    """decode → envelope → ignore rules → schema. Total: regardless of the bytes, one of the three."""
    route: Callable[[Accepted], Routed]
    """routes → mappings. Total. For a delete: only those routes whose rule can be told from the item, with an empty payload."""
    unread: Mapping[str, Unread] = field(default_factory=dict, repr=False, compare=False)
    """By route: what a mapping could not read of an event, for a person who asks. Only mappings that can meet such a value."""
    completion: Completion | None = field(default=None, repr=False, compare=False)
    """How events that leave unchanged paths out are completed; None where no event of the project can leave any out."""
    partly: Mapping[str, Partly] = field(default_factory=dict, repr=False, compare=False)
    """By route: what its mapping makes of such an event."""
    footprint: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Everything that the program was read from: place → keyed hash; see ``compiler.footprint``."""

    def fate(self, raw: Raw, earlier: Iterable[Raw] = ()) -> Ignored | Refused | Routed:
        """Check, complete and route one event; ``earlier``: those of its record before it, newest first, read as far as they are needed."""
        checked = self.check(raw)
        if isinstance(checked, Accepted) and checked.event.unchanged and self.completion is not None:
            checked = self.completion.complete(checked, filter(None, map(self.completion.told, earlier)))
        return self.route(checked) if isinstance(checked, Accepted) else checked
