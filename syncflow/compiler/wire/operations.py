"""Operations compiled: requests, steps, and the readers of their answers."""

from __future__ import annotations

from syncflow.compiler.wire.plans import AnswerPlan, DescribePlan, PagesPlan, ReaderPlan, RequestPlan, StepPlan, Value
from syncflow.compiler.wire.texts import COMMON_NAMES, PAGE_NAMES, RECORD_NAMES, Step, Texts
from syncflow.config.models.adapter import Answer, FieldReader, Operation, Pages, Reader
from syncflow.config.models.adapter import Step as StepModel
from syncflow.config.models.request import Request

FIELD_TRAITS = (
    "label", "length", "required", "read_only", "create_only", "options", "unique", "key", "case_sensitive",
)  # fmt: skip


def compile_steps(
    operation: Operation, texts: Texts, path: tuple[Step, ...], *, records: int, most_bytes: int = 0
) -> tuple[StepPlan, ...]:
    """Compile an operation into its steps; one with a plain request has one step."""
    if operation.request is not None:
        request = compile_request(operation.request, texts, (*path, "request"))
        answer = _answer(operation.answer, texts, (*path, "answer"))
        return (
            StepPlan(
                name="",
                when=None,
                reads=False,
                records=records,
                bytes=most_bytes,
                remember_seconds=0.0,
                request=request,
                answer=answer,
            ),
        )
    return tuple(
        _step(step, texts, (*path, "steps", index), records=records, most=most_bytes)
        for index, step in enumerate(operation.steps)
    )


def _step(step: StepModel, texts: Texts, path: tuple[Step, ...], *, records: int, most: int) -> StepPlan:
    return StepPlan(
        name=step.name or "",
        reads=step.looks,
        when=None if step.when is None else texts.condition(step.when, *path, "when", names=RECORD_NAMES),
        records=records if step.records is None else min(records, step.records),
        bytes=most,
        remember_seconds=step.remember or 0.0,
        request=compile_request(step.request, texts, (*path, "request")),
        answer=_answer(step.answer, texts, (*path, "answer")),
    )


def compile_request(
    request: Request, texts: Texts, path: tuple[Step, ...], *, names: frozenset[str] = RECORD_NAMES
) -> RequestPlan:
    """Compile one request whose templates see these names; the adapter model tells what they are."""
    return RequestPlan(
        method=request.method.upper(),
        path=None if request.path is None else texts.url(request.path, *path, "path", names=names),
        url=texts.url(request.url, *path, request.method, names=names),
        absolute=request.url.startswith(("http://", "https://")),
        query=texts.templates(request.query, *path, "query", names=names),
        headers=texts.templates(request.headers, *path, "headers", names=names),
        body=None if request.json_body is None else texts.tree(request.json_body, *path, "json"),
        form=None if request.form is None else texts.templates(request.form, *path, "form", names=names),
        csv=None if request.csv is None else texts.tree(request.csv, *path, "csv"),
        group=request.limit or "",
        place=texts.place(*path),
    )


def compile_describe(reader: FieldReader, texts: Texts) -> DescribePlan:
    """Compile how the fields of an object are read."""
    given = {name: getattr(reader, name) for name in FIELD_TRAITS}
    return DescribePlan(
        request=compile_request(reader.request, texts, ("describe", "request"), names=COMMON_NAMES | {"object"}),
        each=texts.value(reader.each, "describe", "each"),
        name=texts.value(reader.name, "describe", "name"),
        type=texts.value(reader.type, "describe", "type"),
        types=dict(reader.types),
        traits=tuple((name, texts.value(text, "describe", name)) for name, text in given.items() if text is not None),
    )


def _answer(answer: Answer, texts: Texts, path: tuple[Step, ...]) -> AnswerPlan:
    return AnswerPlan(
        ok=None if answer.ok is None else texts.condition(answer.ok, *path, "ok"),
        results=None if answer.results is None else _reader(answer.results, texts, (*path, "results")),
        failures=None if answer.failures is None else _reader(answer.failures, texts, (*path, "failures")),
        missing=answer.missing,
        found=answer.found,
        several=answer.several,
        pages=None if answer.pages is None else _pages(answer.pages, texts, (*path, "pages")),
        any_body=answer.body == "any",
        place=texts.place(*path),
    )


def _pages(pages: Pages, texts: Texts, path: tuple[Step, ...]) -> PagesPlan:
    def where(text: str | None, name: str) -> Value | None:
        return None if text is None else texts.value(text, *path, name, names=PAGE_NAMES)

    query = texts.templates(pages.query, *path, "query", names=frozenset({"next", "options"}))
    return PagesPlan(where(pages.link, "link"), where(pages.next, "next"), query, pages.most)


def _reader(reader: Reader, texts: Texts, path: tuple[Step, ...]) -> ReaderPlan:
    return ReaderPlan(
        each=texts.value(reader.each, *path, "each"),
        match=None if reader.match == "index" else texts.element(reader.match, *path, "match"),
        with_=texts.value(reader.with_, *path, "with", names=RECORD_NAMES),
        ok=texts.element(reader.ok, *path, "ok"),
        vendor_id=texts.element(reader.vendor_id, *path, "vendor_id"),
        code=texts.element(reader.code, *path, "code"),
        message=texts.element(reader.message, *path, "message"),
        place=texts.place(*path),
    )
