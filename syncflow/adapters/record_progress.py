"""A batch on its way through the steps of an operation: its members, what each has come to, and what the whole comes to. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Final, NamedTuple, cast, overload

from syncflow.adapters.judgement import Asked, Judgement, Ruling
from syncflow.compiler.values import is_true
from syncflow.compiler.wire.expression_input import root_of
from syncflow.compiler.wire.plans import AdoptPlan, Root, StepPlan
from syncflow.compiler.wire.system import OperationPlan
from syncflow.errors import DataError
from syncflow.events import Action, Batch, BatchResult, Delivery, Item, Outcome, Signal, Verdict

ADOPTED: Final = "adopted"
"""The code of a delivery whose record had been there already."""
_DELIVERED = Outcome(Verdict.DELIVERED)
"""What most records come to, which need not be made for each."""


class RecordProgress:
    """One delivery on its way through the steps."""

    __slots__ = (
        *("_options", "_payload", "_seen", "adopts", "delivery", "done", "found_by"),
        *("idle", "outcome", "told", "vendor_id", "wrote"),
    )

    def __init__(self, delivery: Delivery, options: Item, payload: Item) -> None:
        self.delivery = delivery
        self._options = options
        self._payload = payload
        self._seen: Root | None = None
        self.vendor_id = delivery.vendor_id
        self.outcome: Outcome | None = None
        self.done = False
        """Whether the last step that was for it succeeded, and wrote."""
        self.wrote = False
        """Whether any step that was for it did."""
        self.idle = False
        """Whether a step was for each element of a list that has none."""
        self.adopts: AdoptPlan | None = None
        """How it is looked for before it is created."""
        self.told: tuple[str, ...] | None = None
        """Its creation was refused, for it is there already: under these ids, where the refusal tells any."""
        self.found_by = ""
        """The field by which it was found there, to be adopted."""

    @property
    def seen(self) -> Root:
        """What expressions see of it, as far as the steps have come; made when it is first asked for."""
        if self._seen is None:
            self._seen = root_of(self.delivery, self._options, payload=self._payload)
            if self.vendor_id is not None:
                self._seen["vendor_id"] = self.vendor_id
        return self._seen

    @seen.setter
    def seen(self, seen: Root) -> None:
        self._seen = seen

    def root(self, shared: Root, position: int) -> Root:
        """Return what expressions see of it in a request, with what all its records see."""
        if self._seen is not None:
            return {**shared, **self._seen, "position": position}
        root = root_of(self.delivery, self._options, payload=self._payload, shared=shared)
        root["position"] = position
        if self.vendor_id is not None:
            root["vendor_id"] = self.vendor_id
        return root

    def take(self, ruling: Ruling, step: StepPlan) -> None:
        """Let it have what a step came to."""
        self.outcome, self.told = ruling.outcome, ruling.told
        self.done = ruling.done and not step.reads
        self.wrote = self.wrote or self.done
        if ruling.vendor_id:
            self.vendor_id = ruling.vendor_id
            if self._seen is not None:
                self._seen["vendor_id"] = ruling.vendor_id
        if step.name:
            steps = self.seen["steps"]
            assert isinstance(steps, dict)
            kept = {name: (ruling.kept or {}).get(name) for name in keeps_of(step)}
            self.seen["steps"] = {**steps, step.name: {"done": ruling.done, "element": ruling.element, **kept}}


class Many(Sequence[RecordProgress]):
    """The members of a job, each made whenever it is looked at: of ten thousand, what requests see of them is not held.

    So nothing of what a step tells is kept in them.
    """

    def __init__(self, deliveries: Sequence[Delivery], made: Callable[[Delivery], RecordProgress]) -> None:
        self.deliveries = deliveries
        self._made = made

    def __len__(self) -> int:
        return len(self.deliveries)

    @overload
    def __getitem__(self, at: int) -> RecordProgress: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[RecordProgress]: ...
    def __getitem__(self, at: int | slice) -> RecordProgress | Sequence[RecordProgress]:
        if isinstance(at, slice):
            return [self._made(delivery) for delivery in self.deliveries[at]]
        return self._made(self.deliveries[at])


class _Roots(Sequence[Root]):
    """What expressions see of each of many members."""

    def __init__(self, shared: Root, members: Many) -> None:
        self._shared = shared
        self._members = members

    def __len__(self) -> int:
        return len(self._members)

    @overload
    def __getitem__(self, at: int) -> Root: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Root]: ...
    def __getitem__(self, at: int | slice) -> Root | Sequence[Root]:
        if isinstance(at, slice):
            return [self._seen(position) for position in range(*at.indices(len(self)))]
        return self._seen(range(len(self))[at])

    def _seen(self, position: int) -> Root:
        return self._members[position].root(self._shared, position)


class StepRun(NamedTuple):
    """One step of one batch."""

    batch: Batch
    operation: OperationPlan
    step: StepPlan
    last: bool
    more: Root = {}  # noqa: RUF012  # never changed
    """What its requests see besides what all see."""
    is_part: bool = False
    """Whether other requests tell of the records that this one's answer leaves out."""
    unsafe: bool | None = None
    """Whether a second sending would do harm, where that is not as it is of the operation."""


def keeps_of(step: StepPlan) -> tuple[str, ...]:
    """Return the names of what a step keeps for later ones."""
    return () if step.answer.results is None else step.answer.results.keeps


def roots_of(shared: Root, part: Sequence[RecordProgress]) -> Sequence[Root]:
    """Return what expressions see of each record of a request."""
    if isinstance(part, Many):
        return _Roots(shared, part)
    return [member.root(shared, position) for position, member in enumerate(part)]


def as_asked(current: StepRun, shared: Root, records: Sequence[Root]) -> Asked:
    """Return a request as the judge sees it."""
    return Asked(
        step=current.step,
        records=records,
        shared=shared,
        operation=current.batch.operation if isinstance(records, _Roots) else operation_of(current.batch, records),
        unsafe=current.operation.repeat == "unsafe" if current.unsafe is None else current.unsafe,
        last=current.last,
        is_part=current.is_part,
    )


def operation_of(batch: Batch, records: Sequence[Root]) -> Action:
    """Return what is asked of these records; of several things that go in one request, what stands for it."""
    asked = {record["operation"] for record in records}
    return cast(Action, asked.pop()) if len(asked) == 1 else batch.operation


def fits(step: StepPlan, member: RecordProgress) -> bool:
    """Return whether a step is for a record; where that cannot be told it is not."""
    if step.when is None:
        return True
    try:
        return is_true(step.when(member.seen))
    except DataError:
        return False


def runs(members: Sequence[RecordProgress], most: int) -> Iterator[list[RecordProgress]]:
    """Yield the records of each request."""
    for start in range(0, len(members), most):
        yield list(members[start : start + most])


def halves(part: Sequence[RecordProgress]) -> list[list[RecordProgress]]:
    """Part a request that is too large."""
    middle = (len(part) + 1) // 2
    return [list(part[:middle]), list(part[middle:])]


def is_untouched(ruling: Ruling) -> bool:
    """Return whether a ruling leaves its record to be tried again."""
    return ruling.outcome is not None and ruling.outcome.verdict is Verdict.RETRY


def refused_again(judgement: Judgement, *, renewed: bool) -> Judgement:
    """A token that is refused as soon as it is given, or that nothing renews, is nothing that waiting mends; a record's own
    refusal may be.
    """
    first = next((r.outcome for r in judgement.rulings if r.outcome is not None), None)
    if first is None or not all(is_untouched(ruling) for ruling in judgement.rulings):
        return judgement
    refused = "the sign-in is refused even with a new token" if renewed else "what the system signs in with is refused"
    reason = f"{refused}: {first.code} {first.message}"
    return replace(judgement, signal=Signal("stop", 0.0, reason))


def is_settled(members: Sequence[RecordProgress], part: Sequence[RecordProgress], current: StepRun) -> bool:
    """Return whether something of the batch took effect, so that repeating all of it is not the way to find who is at fault.

    The part is then left to be retried, without what is settled.
    """
    unsafe = current.operation.repeat == "unsafe"
    return any(member not in part and (member.outcome is not None or (unsafe and member.done)) for member in members)


def result_of(members: Sequence[RecordProgress], signal: Signal | None, *, unsafe: bool) -> BatchResult:
    """Return one outcome for each member. What a signal for all keeps from being sent names the line that gave the signal.

    ``unsafe``: what an earlier step wrote cannot be sent again without harm, so that its record is in doubt in place of tried again.
    """
    places = (member.outcome.rule for member in members if member.outcome is not None)
    place = next(filter(None, places), "") if signal is not None else ""
    outcomes = tuple(_outcome(member, signal, place) for member in members)
    if unsafe:
        outcomes = tuple(o if m.found_by else _once(m, o) for m, o in zip(members, outcomes, strict=True))
    return BatchResult(outcomes, signal)


def _once(member: RecordProgress, outcome: Outcome) -> Outcome:
    if not member.wrote or outcome.verdict is not Verdict.RETRY:
        return outcome
    words = f"an earlier request of it took effect: {outcome.message or outcome.code}"
    return replace(outcome, verdict=Verdict.IN_DOUBT, message=words, wait_seconds=None, counts=True)


def _outcome(member: RecordProgress, signal: Signal | None, place: str) -> Outcome:
    if member.outcome is not None:
        return replace(member.outcome, vendor_id=member.outcome.vendor_id or member.vendor_id)
    if member.done and member.found_by:
        words = f"it was there already, with the same {member.found_by}"
        return Outcome(Verdict.DELIVERED, code=ADOPTED, message=words, vendor_id=member.vendor_id)
    if member.done:
        return _DELIVERED if member.vendor_id is None else Outcome(Verdict.DELIVERED, vendor_id=member.vendor_id)
    if member.idle and signal is None:
        return Outcome(Verdict.ALREADY_DONE, vendor_id=member.vendor_id)
    if signal is not None:
        return Outcome(Verdict.RETRY, code=signal.kind, message=signal.reason, counts=False, rule=place)
    return Outcome(Verdict.REJECTED, code="no_step", message="no step of the adapter's operation settled this record")
