"""The laws of pages: a long answer is read to its end, what stands on a later page counts as what stands on the first, and an answer
without an end is not read for ever.

In: a ``Trial``. Out: a ``Check`` for each step whose answer has pages, where two pages of it can be made up.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

import orjson

from syncflow.adapters.scripted import Asked, Reply
from syncflow.compiler.wire.plans import StepPlan
from syncflow.config.models.answer import Answer, Pages
from syncflow.events import Batch, BatchResult, Json
from syncflow.testing.fake_answers import FakeAnswer, fake_answer
from syncflow.testing.fake_system import BASE_URL, FakeSystem
from syncflow.testing.operation_trial import DONE, Check, Trial, why

_IN_BODY: Final = re.compile(r"body((?:\.[A-Za-z_]\w*)+)")
_IN_HEADERS: Final = re.compile(r'headers\."?([A-Za-z][\w-]*)"?')
_PAGED: Final = "paged"
_CURSOR: Final = "made-up-cursor-2"
_LINK: Final = f"{BASE_URL}/made-up-page-2"


class PageTrial(Trial):
    """Answers the steps of one operation by two pages where they would take one."""

    def of_pages(self) -> Iterator[Check]:
        """Yield the law for each step whose answer has pages; nothing where no pages can be made up."""
        for index, (step, answer) in enumerate(self.steps()):
            if answer.pages is None:
                continue
            batch = self.batch(known=self._known_to(step))
            made_up = fake_answer(answer, batch)
            if made_up is not None and (turn := _turner(answer.pages)) is not None:
                law = f"{self.label}: {step.name or f'step {index + 1}'}: a long answer is read to its end"
                yield Check(law, tuple(dict.fromkeys(self._broken(_Paged(index, step, answer, batch, made_up, turn)))))

    def _known_to(self, step: StepPlan) -> bool:
        """Whether the step is only for records whose ids there are known."""
        stand_in = self.stand_in(lambda _: Reply(503, "{}"))
        stand_in.plan = self.plan.with_operation(self.object, replace(self.operation, steps=(step,)))
        stand_in.send(self.batch())
        return not stand_in.seen

    def _broken(self, paged: _Paged) -> Iterator[str]:
        whole, whole_seen = self._answered(paged, paged.whole())
        result, seen = self._answered(paged, *paged.halves())
        asked = [each for group, each in seen if group == _PAGED]
        if len(asked) < 2:
            yield f"{paged.says} tells of a second page, and it is not asked for"
            return
        if len(asked) > 2:
            yield f"two pages are asked for in {len(asked)} requests"
        if paged.leads not in _text(asked[1]):
            yield f"the request for the second page does not carry what {paged.says} says"
        for one, other in zip(whole.outcomes, result.outcomes, strict=True):
            if (one.verdict, one.vendor_id) != (other.verdict, other.vendor_id):
                yield f"a record is {why(other)} after two pages, and {why(one)} after one"
        later, whole_later = (
            [_essence(each) for group, each in every if group != _PAGED] for every in (seen, whole_seen)
        )
        if later != whole_later:
            yield f"{len(later)} requests follow two pages, and {len(whole_later)} others follow one"
        yield from self._endless(paged)

    def _endless(self, paged: _Paged) -> Iterator[str]:
        first, _ = paged.halves()
        most = paged.most
        result, seen = self._answered(paged, *[first] * (most + 3))
        asked = [each for group, each in seen if group == _PAGED]
        if len(asked) > most:
            yield f"an answer without an end is read in {len(asked)} pages; {most} are allowed"
        if any(outcome.verdict in DONE for outcome in result.outcomes) and not paged.step.reads:
            yield "an answer without an end delivers a record"

    def _answered(self, paged: _Paged, *pages: Reply) -> tuple[BatchResult, list[tuple[str, Asked]]]:
        """Carry the step and those after it out: the pages in turn, and nothing else is answered well."""
        steps = (
            replace(paged.step, when=None, request=replace(paged.step.request, group=_PAGED)),
            *self.operation.steps[paged.index + 1 :],
        )
        plan = self.plan.with_operation(self.object, replace(self.operation, steps=steps))
        seen: list[tuple[str, Asked]] = []

        def answer(asked: Asked) -> Reply:
            seen.append((stand_in.group, asked))
            count = sum(group == _PAGED for group, _ in seen)
            return pages[min(count, len(pages)) - 1] if stand_in.group == _PAGED else Reply(503, "{}")

        stand_in = FakeSystem(self.adapter, plan, answer)
        return stand_in.send(paged.batch)[0], seen


_Turn = Callable[[Json, str], Reply]


@dataclass(frozen=True)
class _Paged:
    """One step whose answer is made up in two pages."""

    index: int
    step: StepPlan
    answer: Answer
    batch: Batch
    made_up: FakeAnswer
    turn: _Turn

    @property
    def _pages(self) -> Pages:
        assert self.answer.pages is not None
        return self.answer.pages

    @property
    def says(self) -> str:
        return self._pages.link or self._pages.next or ""

    @property
    def leads(self) -> str:
        return _CURSOR if self._pages.link is None else _LINK

    @property
    def most(self) -> int:
        return self._pages.most

    def whole(self) -> Reply:
        return Reply(200, orjson.dumps(self.made_up.good()).decode())

    def halves(self) -> tuple[Reply, Reply]:
        """Return a first page that leads to the second, and the second, which is the last."""
        middle = len(self.made_up.elements) // 2
        first, second = self.made_up.elements[:middle], self.made_up.elements[middle:]
        last = Reply(200, orjson.dumps(self.made_up.page(second)).decode())
        return self.turn(self.made_up.page(first), self.leads), last


def _turner(pages: Pages) -> _Turn | None:
    """Return what makes an answer lead to a next page; None where it cannot be made up how one does."""
    where = (pages.link or pages.next or "").strip()
    if found := _IN_BODY.fullmatch(where):
        path = found[1].lstrip(".")
        return lambda body, leads: Reply(200, orjson.dumps(_with(body, path, leads)).decode())
    if found := _IN_HEADERS.fullmatch(where):
        name = found[1]
        return lambda body, leads: Reply(200, orjson.dumps(body).decode(), {name: leads})
    return None


def _with(body: Json, path: str, value: Json) -> Json:
    if not isinstance(body, dict):
        return body
    first, _, rest = path.partition(".")
    return {**body, first: _with(body.get(first) or {}, rest, value) if rest else value}


def _text(asked: Asked) -> str:
    return " ".join([asked.url, asked.text, *asked.headers.values()])


def _essence(asked: Asked) -> tuple[str, str, str]:
    return asked.method, asked.url, asked.text
