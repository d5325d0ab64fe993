"""An answer made up from what an adapter says of its answers, wherever its readers are plain enough to be turned round.

In: how an answer is read, and a batch. Out: a body in which every record is a success, and variants of it that must deliver nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from syncflow.config.models.answer import Answer, Reader
from syncflow.events import Batch, Delivery, Json

_PLAIN = re.compile(r"(?:lower\()?([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)\)?")
_EQUAL = re.compile(r"([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*) == (?:'([^']*)'|`(true|false|[0-9]+)`)")
_ONE_OF = re.compile(r"contains\(\['([^']*)'(?:, *'[^']*')*\], *([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)\)")
"""One of several texts: ``contains(['created', 'updated'], status)``."""
_OF_ELEMENT = re.compile(r"\{\{ *element(?P<path>(?:\.\w+|\[key\.name\])+)(?: *\| *\w+)? *\}\}")
"""A template that reads one value of an element: ``{{ element[key.name] | lower }}``."""
_JOINED = re.compile(r"\[(\w+)(?:, *\w+)*\]\[\]")
_NOT = re.compile(r"!\s*(?:[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)")
_KNOWN: dict[str, Callable[[Delivery, int], Json]] = {
    "delivery.id": lambda delivery, _: str(delivery.id),
    "key.value": lambda delivery, _: delivery.key.value,
    "lower(key.value)": lambda delivery, _: delivery.key.value.lower(),
    "position": lambda _, position: position,
}
Element = dict[str, Any]


@dataclass(frozen=True, slots=True)
class FakeAnswer:
    """Bodies for one batch."""

    answer: Answer
    results: Reader
    elements: Sequence[Element]

    def good(self) -> Json:
        """Return a body in which every record is a success with an id."""
        return self._body(self.elements)

    def empty(self) -> Json:
        """Return a body that lists no record."""
        return self._body([])

    def page(self, elements: Sequence[Element]) -> Json:
        """Return a body that lists some of the records, each a success."""
        return self._body(elements)

    def twice(self) -> Json:
        """Return a body in which every record is listed two times."""
        return self._body([*self.elements, *self.elements])

    def anonymous(self) -> Json | None:
        """Return a body in which no record has an id, or None where ids are not read."""
        if self.results.vendor_id is None:
            return None
        return self._body([_without(element, self.results.vendor_id) for element in self.elements])

    def refused(self) -> Json | None:
        """Return a body in which the first record is refused by an unknown code, or None where none can be."""
        first, rest = self.elements[0], self.elements[1:]
        if self.results.ok is not None:
            return self._body([_refuse(first, self.results.ok), *rest])
        failures = self.answer.failures
        if failures is None or failures.match == "index" or not _turns_round(failures) or failures.each == "@":
            return None
        refusal: Element = {}
        _put(
            refusal, failures.match, _read(first, self.results.match) if failures.with_ == self.results.with_ else None
        )
        if failures.code and _PLAIN.fullmatch(failures.code):
            _put(refusal, failures.code, "NEVER_HEARD_OF")
        body = self._body(rest)
        if isinstance(body, dict):
            _put(body, failures.each, [refusal])
        return body

    def _body(self, elements: Sequence[Element]) -> Json:
        if self.results.each == "@":
            return list(elements)
        body: Element = {}
        _put(body, _list_of(self.results.each), list(elements))
        _put_ok(body, self.answer.ok)
        return body


def fake_answer(answer: Answer, batch: Batch) -> FakeAnswer | None:
    """Return the bodies for a batch, or None where the readers cannot be turned round."""
    if answer.results is None or not _is_plain(answer.ok):
        return None
    results = answer.results.model_copy(update={"match": _path(answer.results.match, batch.key_name)})
    if not _turns_round(results):
        return None
    return FakeAnswer(answer, results, [_element(results, one, at) for at, one in enumerate(batch.deliveries)])


def bodies_without_results(answer: Answer) -> list[Json]:
    """Return good bodies for an answer that speaks of the whole request; none where its ``ok`` cannot be turned round."""
    if answer.results is not None or not _is_plain(answer.ok):
        return []
    body: Element = {}
    _put_ok(body, answer.ok)
    return [body]


def _path(match: str, key_name: str) -> str:
    """Return ``match`` as a path, where it is a template that says no more than one."""
    found = _OF_ELEMENT.fullmatch(match.strip())
    return found["path"].replace("[key.name]", f".{key_name}").lstrip(".") if found else match


def _conditions(ok: str) -> list[str]:
    """Return the parts that must all hold."""
    return [part.strip() for part in ok.split("&&")]


def _is_plain(ok: str | None) -> bool:
    patterns = (_EQUAL, _ONE_OF, _PLAIN, _NOT)
    return ok is None or all(any(one.fullmatch(part) for one in patterns) for part in _conditions(ok))


def _put_ok(body: Element, ok: str | None) -> None:
    """Make a body or an element say that it is a success."""
    for part in () if ok is None else _conditions(ok):
        if found := _EQUAL.fullmatch(part):
            _put(body, found[1], found[2] if found[3] is None else orjson.loads(found[3]))
        elif found := _ONE_OF.fullmatch(part):
            _put(body, found[2], found[1])
        elif _PLAIN.fullmatch(part) and not _reads(body, part):
            _put(body, part, True)  # noqa: FBT003  # a value of the body


def _refuse(element: Element, ok: str) -> Element:
    """Return a copy of which ``ok`` is not true, by the first thing that it asks."""
    part = _conditions(ok)[0]
    equal, one_of = _EQUAL.fullmatch(part), _ONE_OF.fullmatch(part)
    path = equal[1] if equal else one_of[2] if one_of else part.removeprefix("!").strip()
    refused = _without(element, path)
    _put(refused, path, "NEVER_HEARD_OF" if equal or one_of else part.startswith("!"))
    return refused


def _list_of(each: str) -> str:
    """Return where one list stands that a reader looks into: the first, where it joins several (``[created, updated][]``)."""
    joined = _JOINED.fullmatch(each)
    return joined[1] if joined else each


def _turns_round(reader: Reader) -> bool:
    read = [reader.each, *filter(None, (reader.vendor_id,))]
    matched = reader.match == "index" or (_PLAIN.fullmatch(reader.match) and reader.with_ in _KNOWN)
    return (
        bool(matched)
        and _is_plain(reader.ok)
        and all(text == "@" or _PLAIN.fullmatch(text) for text in map(_list_of, read))
    )


def _element(reader: Reader, delivery: Delivery, position: int) -> Element:
    element: Element = {}
    if reader.match != "index":
        _put(element, reader.match, _KNOWN[str(reader.with_)](delivery, position))
    if reader.vendor_id is not None:
        _put(element, reader.vendor_id, f"id-{position}")
    _put_ok(element, reader.ok)
    return element


def _steps(path: str) -> list[str]:
    found = _PLAIN.fullmatch(path)
    assert found is not None
    return found[1].split(".")


def _put(body: Element, path: str, value: Json) -> None:
    *outer, last = _steps(path)
    for step in outer:
        body = body.setdefault(step, {})
    body[last] = value


def _reads(body: Element, path: str) -> bool:
    """Whether something stands where a path leads."""
    found: Any = body
    for step in _steps(path):
        if not isinstance(found, dict) or step not in found:
            return False
        found = found[step]
    return True


def _read(body: Element, path: str) -> Json:
    found: Any = body
    for step in _steps(path):
        found = found[step]
    return found  # type: ignore[no-any-return]  # JSON


def _without(element: Element, path: str) -> Element:
    """Return a copy that has nothing where the path leads."""
    first, *rest = _steps(path)
    return {
        name: _without(value, ".".join(rest)) if rest and name == first else value
        for name, value in element.items()
        if rest or name != first
    }
