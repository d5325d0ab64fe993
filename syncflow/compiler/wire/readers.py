"""Readers of answers compiled: one function takes from every element of a list all that is needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final

from syncflow.compiler.expressions import Emitted, Emitter
from syncflow.compiler.expressions.analysis import may_raise
from syncflow.compiler.expressions.ir import Collected, Field, Record, Value, Variable
from syncflow.compiler.languages.base import ExpressionError, Read, is_jinja
from syncflow.compiler.types.json import ANY, ARRAY, OBJECT, Array, Type
from syncflow.compiler.wire.adapter_expressions import AdapterExpressions, Step
from syncflow.compiler.wire.plans import ReaderPlan, ReadList
from syncflow.config.models.answer import Reader
from syncflow.errors import DataError
from syncflow.events import Item, Json
from syncflow.frozen import value_class

_SUBJECT: Final = ("match", "ok", "vendor_id")
_COMPLAINT: Final = ("code", "message")
_ELEMENT: Final = "element"
"""What Jinja calls the element that JMESPath reads."""

_WITHIN: Final = " "
"""Joins the steps of a path to one name."""

_Call = Callable[[Any], Any]
_Wanted = tuple[tuple[str, str | None], ...]
"""name → expression, null without one."""


def compile_reader(reader: Reader, texts: AdapterExpressions, path: tuple[Step, ...]) -> ReaderPlan:
    """Compile how one list of an answer is read."""
    by_index = reader.match == "index"
    ids = (reader.with_,) if isinstance(reader.with_, str) else reader.with_
    named = (("with", ids[0]),) if len(ids) == 1 else tuple((f"with{_WITHIN}{n}", text) for n, text in enumerate(ids))
    with_ = _compiled(named, texts.sight.record, "", texts, path)
    return ReaderPlan(
        each=texts.value(reader.each, *path, "each"),
        by_index=by_index,
        by_parts=not by_index and reader.each.strip() == "@",
        keys=lambda records: with_(records, {}),
        says_ok=reader.ok is not None,
        identifies=reader.vendor_id is not None,
        keeps=tuple(reader.keep),
        subjects=_of_elements(reader, _SUBJECT[by_index:], texts, path),
        complaints=_of_elements(reader, _COMPLAINT, texts, path),
        place=texts.place(*path),
    )


def _steps(name: str) -> tuple[Step, ...]:
    return tuple(int(step) if step.isdecimal() else step for step in name.split(_WITHIN))


def kept_as(name: str) -> str:
    """Return under which name a reader hands out what is kept of an element."""
    return f"keep{_WITHIN}{name}"


def _of_elements(reader: Reader, names: tuple[str, ...], texts: AdapterExpressions, path: tuple[Step, ...]) -> ReadList:
    wanted: _Wanted = tuple((name, getattr(reader, name)) for name in names)
    if "vendor_id" in names:
        wanted += tuple((kept_as(name), text) for name, text in reader.keep.items())
    if any(text is not None and is_jinja(text) for _, text in wanted):
        return _compiled(wanted, texts.sight.element, _ELEMENT, texts, path)
    return _compiled(wanted, ANY, "", texts, path)


def _compiled(wanted: _Wanted, sees: Type, within: str, texts: AdapterExpressions, path: tuple[Step, ...]) -> ReadList:
    parts = _parts(wanted, sees, within)
    for name, error in parts.problems.items():
        texts.failed(error, (*path, *_steps(name)))
    for name, reads in parts.reads.items():
        texts.check_names(reads, sees, (*path, *_steps(name)))
    all_of, alone = parts.all_of, parts.alone
    if not within and not alone:
        return lambda elements, _: all_of(elements)
    return lambda elements, root: _read([{**root, within: e} for e in elements] if within else elements, all_of, alone)


def _read(seen: Sequence[Json], all_of: _Call, alone: Mapping[str, _Call]) -> list[Item]:
    found: list[Item] = all_of(seen)
    for name, value in alone.items():
        for one, root in zip(found, seen, strict=True):
            one[name] = _or_null(value, root)
    return found


def _or_null(value: _Call, root: Json) -> Json:
    try:
        found: Json = value(root)
    except DataError:
        return None
    return found


@value_class
class _Parts:
    """``all_of``: a list → an object for each element of it, with null for what is in ``alone``.

    What may fail is alone, for it must not take others with it. ``problems`` are those of parts that do not compile.
    """

    all_of: _Call
    alone: Mapping[str, _Call]
    reads: Mapping[str, Sequence[Read]]
    problems: Mapping[str, ExpressionError]


@lru_cache(maxsize=512)
def _parts(wanted: _Wanted, sees: Type, within: str) -> _Parts:
    """Compile what is read of each element of a list; ``within`` which name of it JMESPath reads, if not all."""
    emitter = Emitter(Array(sees))
    one = emitter.pool.one(Variable("element", emitter.root, type=sees))
    values, alone = dict[str, Value](), dict[str, _Call]()
    reads, problems = dict[str, Sequence[Read]](), dict[str, ExpressionError]()
    for name, text in wanted:
        try:
            emitted = emitter.constant(None) if text is None else _emitted(emitter, text, one, within)
            if text is not None and may_raise(emitted.value):
                itself = Emitter(sees)
                alone[name] = itself.call(name, _emitted(itself, text, itself.root, within))
                emitted = replace(emitter.constant(None), reads=emitted.reads)
        except ExpressionError as error:
            problems[name] = error
            emitted = emitter.constant(None)
        values[name], reads[name] = emitted.value, emitted.reads
    each = Record(tuple(values), tuple(values.values()), type=OBJECT)
    every = Collected(one, emitter.root, (), emitter.pool.one(each), of_values=False, proven=True, type=ARRAY)
    return _Parts(emitter.call("read", Emitted(emitter.pool.one(every), ARRAY)), alone, reads, problems)


def _emitted(emitter: Emitter, text: str, root: Variable, within: str) -> Emitted:
    if is_jinja(text):
        return emitter.template(text, over=root)
    if not within:
        return emitter.expression(text, over=root)
    element = emitter.pool.one(Field(root, within))
    return replace(emitter.expression(text, over=element), reads=())
