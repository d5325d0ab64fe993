"""Look-ups by a field that is no key, compiled: what an adapter's ``find`` says, for mappings that adopt what is there."""

from __future__ import annotations

from syncflow.compiler.wire.adapter_expressions import AdapterExpressions
from syncflow.compiler.wire.operations import compile_pages, compile_request
from syncflow.compiler.wire.plans import AnswerPlan, FindPlan, StepPlan
from syncflow.config.models.finder import RecordFinder


def compile_find(finder: RecordFinder, texts: AdapterExpressions) -> FindPlan:
    """Compile how records are looked for."""
    request = compile_request(finder.request, texts, ("find", "request"), sees=texts.sight.found)
    pages = None if finder.pages is None else compile_pages(finder.pages, texts, ("find", "pages"))
    place = texts.place("find")
    answer = AnswerPlan(
        ok=None,
        results=None,
        failures=None,
        missing="retry",
        found="done",
        several="retry",
        ignores_strangers=True,
        pages=pages,
        body="json",
        count=None,
        refusal=None,
        others_delivered=False,
        place=place,
    )
    step = StepPlan(
        name="",
        when=None,
        reads=True,
        records=finder.batch.records,
        bytes=finder.batch.bytes or 0,
        remember_seconds=0.0,
        request=request,
        answer=answer,
    )
    return FindPlan(
        step=step,
        each=texts.value(finder.each, "find", "each"),
        id=texts.value(finder.id, "find", "id"),
        fields=None if finder.fields is None else texts.value(finder.fields, "find", "fields"),
        missing=frozenset(finder.missing),
        unfit=None if finder.unfit is None else texts.value(finder.unfit, "find", "unfit"),
        id_field=finder.id_field or "",
        place=place,
    )
