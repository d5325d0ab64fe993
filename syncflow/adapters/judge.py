"""One answer judged: what it means for each record that was sent, and for the system. Pure.

In: the step, the records, what came back. Out: a ``Judgement``; the adapter engine carries it out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal, cast

from syncflow.adapters.answers import Reading, Row, Said, read_answer, read_refusal, read_table
from syncflow.adapters.bodies import TEXT_CHARACTERS, Table, decode, decode_as, text_of
from syncflow.adapters.http import HttpResponse, NoResponse
from syncflow.adapters.judgement import ADOPTS, UNKNOWN_ID, UNMADE, Asked, Judgement, Ruling, gravest, placed
from syncflow.adapters.refusal_rules import ASKED, Decision, Refusal, decide, is_own_attempt
from syncflow.adapters.truth import says_yes
from syncflow.adapters.vendor_words import impersonal, shortened, shown, shown_json, without_values
from syncflow.compiler.wire.expression_input import as_text
from syncflow.compiler.wire.plans import AnswerPlan, Root, WirePlan
from syncflow.errors import DataError
from syncflow.events import Action, Json, Outcome, Signal, Verdict

MESSAGE_CHARACTERS = 500
CODE_CHARACTERS = 100
"""A code is logged; what is longer is a sentence."""
_SIGNALS: dict[str, Literal["throttle", "park", "split", "stop"]] = {
    "throttle": "throttle",
    "park": "park",
    "split": "split",
    "stop": "stop",
}


class Judge:
    """Judges the answers of one system."""

    def __init__(self, wire: WirePlan, *, mask: Callable[[str], str]) -> None:
        self._wire = wire
        self._mask = mask

    def judge(
        self, asked: Asked, answer: HttpResponse | NoResponse, *, now: float, earlier: Sequence[Json] = ()
    ) -> Judgement:
        """Return what an answer means for each record of a request. ``earlier``: the pages before, where it has pages.

        What is no success names a line of the adapter: that of the rule that decided, else that of the request.
        """
        if isinstance(answer, NoResponse):
            judged = self._unanswered(asked, answer)
        elif not earlier and _is_table_of_a_job(asked, answer):
            judged = self._read_table(asked, answer, now=now)
        else:
            judged = self._judged(asked, answer, now=now, earlier=earlier)
        return placed(judged, asked.step.request.place)

    def _judged(self, asked: Asked, answer: HttpResponse, *, now: float, earlier: Sequence[Json]) -> Judgement:
        body, trouble = decode_as(asked.step.answer.body, answer)
        if not 200 <= answer.status < 300:
            return self._refused(asked, answer, body, now=now)
        if not trouble or _may_be_anything(asked.step.answer, answer):
            if not self._accepted(asked.step.answer, body):
                if asked.step.answer.body == "text" and not self._says_why(asked, answer, now=now):
                    return self.unreadable(asked, answer, "it says neither that it was taken nor why not")
                return self._refused(asked, answer, body, now=now)
            seen: Root = {**asked.shared, "headers": dict(answer.headers)}
            bodies = (*earlier, body)
            reading = read_answer(
                asked.step.answer, bodies, asked.records, seen, looks=asked.step.reads, is_part=asked.is_part
            )
            trouble = reading.trouble or _miscounted(asked.step.answer, bodies, len(asked.records))
        if trouble:
            return self.unreadable(asked, answer, trouble)
        return self._read(asked, answer, reading, now=now)

    def _read_table(self, asked: Asked, answer: HttpResponse, *, now: float) -> Judgement:
        """Judge by a table that may be large: page by page, and what was read of a record is not kept."""
        table = Table(answer.body)
        seen: Root = {**asked.shared, "headers": dict(answer.headers)}
        trouble = table.trouble
        if not trouble:
            reading = read_table(asked.step.answer, table, asked.records, seen)
            trouble = reading.trouble
        return self.unreadable(asked, answer, trouble) if trouble else self._read(asked, answer, reading, now=now)

    def _says_why(self, asked: Asked, answer: HttpResponse, *, now: float) -> bool:
        """Whether a text that is no success is a refusal: words, and no JSON cut off, or what the adapter knows by a code or a rule."""
        refusal = self.refusal(answer, operation=asked.operation, records=len(asked.records), key_name=_key_name(asked))
        return bool(text_of(answer) or refusal.code or self.decide(refusal, now=now).place)

    def refusal(
        self, answer: HttpResponse, *, operation: Action | None, records: int = 1, key_name: str = ""
    ) -> Refusal:
        """Return what is known of a request that was refused."""
        body, trouble = decode(answer)
        text = text_of(answer) if trouble else ""
        # Before anything else is done with the words: what is cut out of a secret would no longer be known as one.
        read = body if not trouble else text or None
        code = self._mask(_found(self._wire.error_code, read))
        words = _found(self._wire.error_message, read) or text[: 2 * TEXT_CHARACTERS]
        message = self._mask(words)[: None if body is not None else TEXT_CHARACTERS] or f"status {answer.status}"
        return Refusal(
            answer.status, operation, code, message, answer.headers, body, records=records, key_name=key_name
        )

    def decide(self, refusal: Refusal, *, now: float, unsafe: bool = False) -> Decision:
        """Return what a refusal means by the adapter's rules, else by default."""
        has_token = self._wire.sign_in.token is not None
        return decide(self._wire.rules, refusal, now=now, has_token=has_token, unsafe=unsafe)

    def unsent(self, asked: Asked, message: str, *, code: str = UNMADE) -> Judgement:
        """Return what it means that a request cannot be made from a record, or not be put on the wire (``code`` says which part)."""
        if any("vendor_id" not in record for record in asked.records) and "vendor_id" in message:
            code, message = UNKNOWN_ID, "the record's id there (vendor_id) is not known, and no step before found it"
        refusal = Refusal(
            0, asked.operation, code, f"{asked.step.request.place}: {message}", records=len(asked.records)
        )
        decision = Decision("split" if len(asked.records) > 1 else "reject")
        return placed(self._carried(asked, decision, refusal, text=""), asked.step.request.place)

    def fallen(self, asked: Asked, code: str, message: str, body: Json, *, now: float) -> Judgement:
        """Return what it means for its records that a job ended by a fault; where no rule says it, they are tried again."""
        refusal = Refusal(
            200,
            asked.operation,
            self._mask(code),
            self._mask(message or code or "the job failed"),
            body=body,
            records=len(asked.records),
            key_name=_key_name(asked),
        )
        decision = self.decide(refusal, now=now, unsafe=asked.unsafe)
        if not decision.place:
            decision = Decision("retry")
        judged = self._carried(asked, decision, refusal, text=shown_json(body))
        return placed(judged, asked.step.request.place)

    def _accepted(self, plan: AnswerPlan, body: Json) -> bool:
        try:
            return plan.ok is None or says_yes(plan.ok(body))
        except DataError:
            return False

    def _unanswered(self, asked: Asked, answer: NoResponse) -> Judgement:
        if answer.forbidden:
            outcome = replace(self._outcome(Verdict.RETRY, code="forbidden", message=answer.reason), counts=False)
            return Judgement(_alike(Ruling(outcome), asked), Signal("stop", 0.0, answer.reason))
        if answer.sent and asked.unsafe:
            outcome = self._outcome(Verdict.IN_DOUBT, code="no_answer", message=answer.reason)
            return Judgement(_alike(Ruling(outcome), asked))
        code = "no_answer" if answer.sent else "no_connection"
        outcome = replace(self._outcome(Verdict.RETRY, code=code, message=answer.reason), counts=answer.sent)
        return Judgement(_alike(Ruling(outcome), asked))

    def unreadable(self, asked: Asked, answer: HttpResponse, trouble: str) -> Judgement:
        """A good status with an answer that proves nothing: never delivered."""
        verdict = Verdict.IN_DOUBT if asked.unsafe else Verdict.RETRY
        message = f"{asked.step.answer.place}: the answer proves nothing: {trouble}"
        outcome = self._outcome(verdict, code="unreadable_answer", message=message, text=shown(answer.body))
        return Judgement(_alike(Ruling(replace(outcome, status=answer.status)), asked))

    def _refused(self, asked: Asked, answer: HttpResponse, body: Json, *, now: float) -> Judgement:
        refusal = self.refusal(answer, operation=asked.operation, records=len(asked.records), key_name=_key_name(asked))
        if len(asked.records) == 1:
            refusal = replace(refusal, adopts=_adopts(asked.records[0]))
        decision = self.decide(refusal, now=now, unsafe=asked.unsafe)
        if answer.lost and decision.then in {"split", "reject", "next", "adopt"}:  # what would tell more is lost
            decision, refusal = replace(decision, then="retry"), replace(refusal, message=answer.broken)
        named = self._named(asked, answer, body, now=now) if decision.then in {"split", "reject"} else None
        return named or self._carried(asked, decision, refusal, text=shown(answer.body))

    def _named(self, asked: Asked, answer: HttpResponse, body: Json, *, now: float) -> Judgement | None:
        """Judge the records that a refusal of several names, each by itself; None where it tells nothing of them."""
        plan = asked.step.answer
        if plan.refusal is None:
            return None
        seen: Root = {**asked.shared, "headers": dict(answer.headers)}
        said = read_refusal(plan.refusal, body, asked.records, seen)
        if said is None:
            return None
        rulings, signals = list[Ruling](), list[Signal | None]()
        for record, rows in zip(asked.records, said, strict=True):
            if rows:
                adopts = _adopts(record)
                decision, refusal = self._failure(asked, answer, rows[0], now=now, adopts=adopts)
                ruling, signal = self._ruling(decision, refusal, asked.records, text=shown_json(rows[0].element))
                rulings.append(ruling)
                signals.append(signal)
            elif plan.others_delivered:
                rulings.append(Ruling(done=True))
            else:
                message = f"{plan.refusal.place}: the request was refused for other records"
                outcome = self._outcome(Verdict.RETRY, code="refused_with_others", message=message)
                rulings.append(Ruling(replace(outcome, status=answer.status, counts=False)))
        return Judgement(tuple(rulings), gravest(signals))

    def _carried(self, asked: Asked, decision: Decision, refusal: Refusal, *, text: str) -> Judgement:
        ruling, signal = self._ruling(decision, refusal, asked.records, text=text)
        return Judgement(_alike(ruling, asked), signal, reauthenticate=decision.then == "reauthenticate")

    def _ruling(
        self, decision: Decision, refusal: Refusal, records: Sequence[Root], *, text: str
    ) -> tuple[Ruling, Signal | None]:
        """Turn a decision into what becomes of a record, and of the system."""
        then = decision.then
        if then == "adopt":
            assert decision.otherwise is not None, "whoever adopts may find nothing"
            ruling, _ = self._ruling(decision.otherwise, refusal, records, text=text)
            return replace(ruling, told=decision.told), None
        if then == "next":
            return Ruling(vendor_id=decision.vendor_id, element=refusal.element or refusal.body), None
        verdict = {
            "delivered": Verdict.DELIVERED,
            "already_done": Verdict.ALREADY_DONE,
            "reject": Verdict.REJECTED,
            "in_doubt": Verdict.IN_DOUBT,
        }.get(then, Verdict.RETRY)
        outcome = replace(
            self._outcome(verdict, code=refusal.code, message=refusal.message, text=text),
            status=refusal.status or None,
            vendor_id=decision.vendor_id,
            wait_seconds=decision.wait_seconds if verdict is Verdict.RETRY else None,
            rule=decision.place,
            counts=is_own_attempt(refusal, then),
        )
        return Ruling(outcome), self._signal(decision, refusal, records)

    def _signal(self, decision: Decision, refusal: Refusal, records: Sequence[Root]) -> Signal | None:
        """Say it of the system. A signal is logged, so the vendor's words lose whatever may be about a person."""
        kind = _SIGNALS.get(decision.then)
        waits_for_all = decision.then == "retry" and decision.by == ASKED and not is_own_attempt(refusal, "retry")
        if waits_for_all:
            kind = "throttle"
        if kind is None:
            return None
        reason = " ".join(filter(None, (refusal.code, refusal.message, decision.place and f"({decision.place})")))
        words = self._short(impersonal(without_values(reason, records)))
        return Signal(
            kind, decision.wait_seconds or 0.0, words, refused=not waits_for_all, by=decision.by or decision.place
        )

    def _read(self, asked: Asked, answer: HttpResponse, reading: Reading, *, now: float) -> Judgement:
        """Judge record by record."""
        if reading.alike is not None:
            return Judgement((self._good(asked, reading.alike),) * len(asked.records), is_read=True)
        rulings: list[Ruling] = []
        signals: list[Signal | None] = []
        reauthenticate = False
        for position, said in enumerate(reading.said):
            row = self._one_row(asked, said)
            if isinstance(row, Ruling):
                rulings.append(row)
            elif row is None:
                rulings.append(self._missing(asked, answer, reading))
            elif row.good:
                rulings.append(self._good(asked, row))
            else:
                operation = cast(Action, asked.records[position]["operation"])
                decision, refusal = self._failure(
                    asked, answer, row, now=now, operation=operation, adopts=_adopts(asked.records[position])
                )
                ruling, signal = self._ruling(decision, refusal, asked.records, text=shown_json(row.element))
                reauthenticate = reauthenticate or decision.then == "reauthenticate"
                rulings.append(ruling)
                signals.append(signal)
        if not asked.is_part:
            signals += [self._stray_signal(asked, answer, row, now=now) for row in reading.strays if not row.good]
        strangers = len(reading.strays) if asked.is_part else 0
        return Judgement(tuple(rulings), gravest(signals), reauthenticate, is_read=True, strangers=strangers)

    def _one_row(self, asked: Asked, said: Said) -> Row | Ruling | None:
        """Return the one thing said of a record, None where nothing is, or a ruling where it does not go together."""
        if len(said) < 2:
            return said[0] if said else None
        bad = [row for row in said if not row.good]
        if len(bad) == len(said):
            return bad[0]
        several = asked.step.answer.several
        if several == "first" and not bad:
            return said[0]
        verdict = Verdict.REJECTED if several == "reject" and not bad else self._doubt(asked)
        message = f"{asked.step.answer.place}: the answer lists the record {len(said)} times"
        return Ruling(self._outcome(verdict, code="several", message=message))

    def _good(self, asked: Asked, row: Row) -> Ruling:
        plan = asked.step.answer
        if plan.found == "already_done":
            return Ruling(Outcome(Verdict.ALREADY_DONE, vendor_id=row.vendor_id, rule=plan.place))
        if plan.found == "reject":
            message = f"{plan.place}: the record is there already"
            return Ruling(
                replace(self._outcome(Verdict.REJECTED, code="found", message=message), vendor_id=row.vendor_id)
            )
        if row.vendor_id is None and self._wants_id(asked) and not (asked.last and self._is_named(asked)):
            message = f"{row.place}: the answer lists the record without an id"
            return Ruling(self._outcome(self._doubt(asked), code="no_id", message=message))
        return Ruling(done=True, vendor_id=row.vendor_id, element=row.element, kept=row.kept)

    def _is_named(self, asked: Asked) -> bool:
        """Return whether a result proves something without the vendor's id: it names its record, or says that all is well."""
        results = asked.step.answer.results
        return results is not None and (results.says_ok or not results.by_index)

    def _wants_id(self, asked: Asked) -> bool:
        results = asked.step.answer.results
        return results is not None and results.identifies

    def _missing(self, asked: Asked, answer: HttpResponse, reading: Reading) -> Ruling:
        plan = asked.step.answer
        if asked.is_part:
            return Ruling()
        meaning = plan.missing
        message = f"{plan.place}: the answer leaves the record out"
        code = "left_out"
        strays = [row for row in reading.strays if not (row.good and plan.ignores_strangers)]
        if strays or reading.doubtful:
            meaning = "retry"
            first = strays[0] if strays else None
            message += " and lists what was not sent" if first else " and has no list of results"
            if first is not None and not first.good:
                code, message = first.code or code, f"{message}: {first.message}"
        if meaning == "next":
            return Ruling()
        verdict = {
            "retry": self._doubt(asked),
            "reject": Verdict.REJECTED,
            "already_done": Verdict.ALREADY_DONE,
            "delivered": Verdict.DELIVERED,
        }[meaning]
        if meaning in {"already_done", "delivered"}:
            return Ruling(Outcome(verdict, status=answer.status, rule=plan.place))
        return Ruling(
            replace(self._outcome(verdict, code=code, message=message), status=answer.status, rule=plan.place)
        )

    def _doubt(self, asked: Asked) -> Verdict:
        return Verdict.IN_DOUBT if asked.unsafe else Verdict.RETRY

    def _failure(
        self,
        asked: Asked,
        answer: HttpResponse,
        row: Row,
        *,
        now: float,
        operation: Action | None = None,
        adopts: bool = False,
    ) -> tuple[Decision, Refusal]:
        refusal = Refusal(
            answer.status,
            operation or asked.operation,
            self._mask(row.code),
            self._mask(row.message or row.code or "refused"),
            answer.headers,
            None,
            row.element,
            alone=True,
            key_name=_key_name(asked),
            adopts=adopts,
        )
        return self.decide(refusal, now=now, unsafe=asked.unsafe), refusal

    def _stray_signal(self, asked: Asked, answer: HttpResponse, row: Row, *, now: float) -> Signal | None:
        """A refusal that names no record of ours can still speak of the whole system."""
        decision, refusal = self._failure(asked, answer, row, now=now)
        return self._signal(decision, refusal, asked.records)

    def _outcome(self, verdict: Verdict, *, code: str, message: str, text: str = "") -> Outcome:
        named = impersonal(self._mask(code))[:CODE_CHARACTERS]
        return Outcome(verdict, code=named, message=self._short(message), body=shortened(self._mask(text)))

    def _short(self, text: str) -> str:
        return self._mask(text)[:MESSAGE_CHARACTERS]


def _miscounted(plan: AnswerPlan, bodies: Sequence[Json], sent: int) -> str:
    if plan.count is None:
        return ""
    try:
        counted = [plan.count(body) for body in bodies]
    except DataError as error:
        return f"what it counts cannot be read: {error.message}"
    numbers = [int(one) if isinstance(one, str) and one.isdecimal() else one for one in counted]
    whole = [one for one in numbers if isinstance(one, int | float) and not isinstance(one, bool)]
    if len(whole) < len(numbers):
        return "it tells no count"
    return "" if sum(whole) == sent else f"it counts {sum(whole)} of {sent} records"


def _adopts(record: Root) -> bool:
    """Whether a record's mapping takes what it finds there for ours; nothing of it is known there yet."""
    return ADOPTS in record


def _key_name(asked: Asked) -> str:
    key = asked.shared["key"]
    assert isinstance(key, dict)
    return as_text(key["name"])


def _is_table_of_a_job(asked: Asked, answer: HttpResponse) -> bool:
    """Whether a good answer is a table that tells of the records of a job, and that nothing reads as a whole."""
    plan = asked.step.answer
    is_good = 200 <= answer.status < 300 and not answer.broken
    readers = [reader for reader in (plan.results, plan.failures) if reader is not None]
    by_parts = bool(readers) and all(reader.by_parts for reader in readers)
    return asked.is_part and plan.body == "csv" and is_good and by_parts and plan.ok is None and plan.count is None


def _may_be_anything(plan: AnswerPlan, answer: HttpResponse) -> bool:
    return (
        plan.body == "any"
        and not answer.broken
        and (not answer.body or (plan.results is None and plan.failures is None))
    )


def _alike(ruling: Ruling, asked: Asked) -> tuple[Ruling, ...]:
    return (ruling,) * len(asked.records)


def _found(value: Callable[[Json], Json] | None, body: Json) -> str:
    if value is None or body is None:
        return ""
    try:
        found = value(body)
    except DataError:
        return ""
    return "" if found is None else as_text(found)
