"""Operations compiled: requests, steps, and the readers of their answers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from syncflow.compiler.functions.unreadable import tracing
from syncflow.compiler.types.json import INTEGER, TEXT, Object, Type, closed_object
from syncflow.compiler.wire.adapter_expressions import AdapterExpressions, Step
from syncflow.compiler.wire.bodies import compile_body
from syncflow.compiler.wire.form_fields import as_form
from syncflow.compiler.wire.plans import (
    AnswerPlan,
    Cells,
    CheckPlan,
    DecisionPlan,
    DescribePlan,
    PagesPlan,
    ReadPlan,
    Render,
    Renders,
    RequestPlan,
    Root,
    StepPlan,
    Value,
)
from syncflow.compiler.wire.readers import compile_reader
from syncflow.compiler.wire.settings import wrong_address
from syncflow.compiler.wire.visible_names import PAGE, VisibleNames
from syncflow.config.models.adapter import AdapterFile, Check, FieldReader, RecordReader
from syncflow.config.models.answer import Answer, Pages
from syncflow.config.models.operation import Operation
from syncflow.config.models.operation import Step as StepModel
from syncflow.config.models.request import Request
from syncflow.errors import DataError
from syncflow.patterns import lazy_pattern

MOST_ENTRIES = 100
"""Elements of a list for which a step with ``for`` sends requests, where it says no other number."""
_HOST_OF_AN_OPTION = lazy_pattern(r"(\{\{\s*options\.\w+\s*\}\})(/.*|)$", re.DOTALL)
"""A URL that begins with an address which a system gives, and is no path of its own address."""
_DELIMITERS = {"comma": ",", "semicolon": ";", "pipe": "|", "tab": "\t"}
_LINE_ENDS = {"lf": "\n", "crlf": "\r\n"}
_TABLES = lazy_pattern(r"(?<![\w.])tables\b(?:\.(\w+))?")
FIELD_TRAITS = (
    "label", "length", "required", "read_only", "create_only", "options", "unique", "key", "case_sensitive",
)  # fmt: skip


def compile_steps(
    operation: Operation, texts: AdapterExpressions, path: tuple[Step, ...], *, records: int, most_bytes: int = 0
) -> tuple[tuple[StepPlan, ...], tuple[DecisionPlan, ...]]:
    """Compile an operation into the steps that send, and what is decided after them; one with a plain request has one step."""
    if operation.request is not None:
        return (_only_step(operation, operation.request, texts, path, records=records, most=most_bytes),), ()
    plans, earlier, decisions = list[StepPlan](), dict[str, Mapping[str, Type]](), list[DecisionPlan]()
    for index, step in enumerate(operation.steps):
        at, seeing = (*path, "steps", index), texts.after(earlier)
        if step.request is None:
            decisions.append(_decision(step, seeing, at))
        else:
            plan = _step(step, step.request, seeing, at, records=records, most=most_bytes)
            plans.append(replace(plan, decisions=tuple(decisions)))
            decisions.clear()
        if step.name in earlier:
            texts.wrong((*at, "name"), f"another step is called {step.name}", hint="later steps tell them by name")
        if step.name:
            earlier[step.name] = _kept(step.answer, texts)
    return tuple(plans), tuple(decisions)


def _only_step(
    operation: Operation,
    request: Request,
    texts: AdapterExpressions,
    path: tuple[Step, ...],
    *,
    records: int,
    most: int,
) -> StepPlan:
    _keeps_for_a_name("", operation.answer, texts, (*path, "answer"))
    return StepPlan(
        tables=tables_read(request, texts.sight),
        name="",
        when=None,
        reads=False,
        records=records,
        bytes=most,
        remember_seconds=0.0,
        request=compile_request(request, texts, (*path, "request"), sees=texts.sight.request(records=records)),
        answer=compile_answer(operation.answer, texts, (*path, "answer")),
    )


def tables_read(request: Request, sight: VisibleNames) -> tuple[str, ...]:
    """Return the tables that a request names; all where it hands them on as a whole."""
    known = tuple(sight.settings[2])
    named = _TABLES.findall(repr(request)) if known else []
    return known if "" in named else tuple(name for name in known if name in named)


def _kept(answer: Answer, texts: AdapterExpressions) -> dict[str, Type]:
    return {} if answer.results is None else {n: texts.type_of(text) for n, text in answer.results.keep.items()}


def _keeps_for_a_name(name: str, answer: Answer, texts: AdapterExpressions, path: tuple[Step, ...]) -> None:
    """Note what is kept and cannot be read: of a step without a name, or of what is no success."""
    if answer.results is not None and answer.results.keep and not name:
        hint = "later steps read what is kept as steps.NAME.…"
        texts.wrong((*path, "results", "keep"), "what is kept belongs to a step with a name", hint=hint)
    if answer.failures is not None and answer.failures.keep:
        texts.wrong((*path, "failures", "keep"), "nothing is kept of a failure", hint="keep stands in results")


def _decision(step: StepModel, texts: AdapterExpressions, path: tuple[Step, ...]) -> DecisionPlan:
    sees = texts.sight.chosen
    require = None if step.require is None else texts.condition(step.require, *path, "require", sees=sees)
    decided = step.decided or "reject"
    return DecisionPlan(
        when=None if step.when is None else texts.condition(step.when, *path, "when", sees=sees),
        require=require,
        then=decided,
        code=step.code or ("required" if require is not None else decided),
        message=None if step.message is None else texts.template(step.message, *path, "message", sees=sees),
        wait_seconds=step.wait,
        place=texts.place(*path),
    )


def _step(
    step: StepModel, request: Request, texts: AdapterExpressions, path: tuple[Step, ...], *, records: int, most: int
) -> StepPlan:
    records = 1 if step.for_ is not None else records if step.records is None else min(records, step.records)
    sees = texts.sight.request(records=records) if step.for_ is None else texts.sight.entry
    _keeps_for_a_name(step.name or "", step.answer, texts, (*path, "answer"))
    return StepPlan(
        tables=tables_read(request, texts.sight),
        name=step.name or "",
        reads=step.looks,
        when=None if step.when is None else texts.condition(step.when, *path, "when", sees=texts.sight.chosen),
        records=records,
        bytes=most,
        remember_seconds=step.remember or 0.0,
        request=compile_request(request, texts, (*path, "request"), sees=sees),
        answer=compile_answer(step.answer, texts, (*path, "answer")),
        entries=None if step.for_ is None else texts.value(step.for_, *path, "for", sees=texts.sight.chosen),
        most_entries=step.most or MOST_ENTRIES,
    )


def compile_request(
    request: Request, texts: AdapterExpressions, path: tuple[Step, ...], *, sees: Object
) -> RequestPlan:
    """Compile one request by what its templates and its body see."""
    option = _HOST_OF_AN_OPTION.match(request.url)
    absolute = option is not None or request.url.startswith(("http://", "https://"))
    if not absolute:
        texts.begins_with_slash(request.url, *path, request.method)
    texts.begins_with_slash(request.path or "", *path, "path")
    return RequestPlan(
        method=request.method.upper(),
        path=None if request.path is None else texts.url(request.path, *path, "path", sees=sees),
        url=texts.url(request.url, *path, request.method, sees=sees)
        if option is None
        else _at_host(option, texts, (*path, request.method), sees=sees),
        absolute=absolute,
        query=texts.templates(request.query, *path, "query", sees=sees),
        headers=texts.headers(request.headers, *path, "headers", sees=sees),
        body=None if request.json_body is None else compile_body(request.json_body, texts, (*path, "json"), sees=sees),
        form=_form(request.form, texts, (*path, "form"), sees=sees),
        csv=None if request.csv is None else compile_body(request.csv, texts, (*path, "csv"), sees=sees),
        group=request.limit or "",
        sign=_signed(request, texts, (*path, "sign"), sees=sees),
        gzip=request.gzip,
        cells=Cells(_DELIMITERS[request.cells.delimiter], _LINE_ENDS[request.cells.line_end], request.cells.empty),
        ndjson=None if request.ndjson is None else compile_body(request.ndjson, texts, (*path, "ndjson"), sees=sees),
        place=texts.place(*path),
    )


def _signed(request: Request, texts: AdapterExpressions, path: tuple[Step, ...], *, sees: Object) -> Renders | None:
    """Compile the headers that sign a request; each must be there, or nothing is sent."""
    if not request.sign:
        return None
    names, place = request.sign.keys(), texts.place(*path)
    render = texts.headers(request.sign, *path, sees=closed_object(**dict(sees.properties), body=TEXT, sent_at=INTEGER))

    def signed(root: Root) -> dict[str, str]:
        with tracing() as met:
            made = render(root)
        if met:
            raise DataError(f"{place}: {met[0].why}")
        if missing := names - made.keys():
            raise DataError(f"{place}: nothing stands in {', '.join(sorted(missing))}")
        return made

    return signed


def _at_host(option: re.Match[str], texts: AdapterExpressions, path: tuple[Step, ...], *, sees: Object) -> Render:
    """Compile a URL whose beginning is an option of the system, such as the address where accounts are."""
    host = texts.template(option[1], *path, sees=sees)
    rest = texts.url(option[2], *path, sees=sees)

    def rendered(root: Root) -> str:
        address = host(root).rstrip("/")
        wrong = wrong_address(address)
        if wrong:
            raise DataError(f"{texts.place(*path)}: {option[1]}: {wrong}")
        return address + rest(root)

    return rendered


def _form(
    form: Mapping[str, str] | str | None, texts: AdapterExpressions, path: tuple[Step, ...], *, sees: Object
) -> Renders | None:
    if isinstance(form, str):
        return as_form(compile_body(form, texts, path, sees=sees), place=texts.place(*path))
    return None if form is None else texts.templates(form, *path, sees=sees)


def compile_describe(reader: FieldReader, texts: AdapterExpressions) -> DescribePlan:
    """Compile how the fields of an object are read."""
    given = {name: getattr(reader, name) for name in FIELD_TRAITS}
    return DescribePlan(
        request=compile_request(reader.request, texts, ("describe", "request"), sees=texts.sight.described),
        each=texts.value(reader.each, "describe", "each"),
        name=texts.value(reader.name, "describe", "name"),
        type=texts.value(reader.type, "describe", "type"),
        types=dict(reader.types),
        traits=tuple((name, texts.value(text, "describe", name)) for name, text in given.items() if text is not None),
    )


def compile_read(reader: RecordReader, texts: AdapterExpressions) -> ReadPlan:
    """Compile how records are read back."""
    sees = texts.sight.read_one if reader.batch.records == 1 else texts.sight.read_several
    return ReadPlan(
        request=compile_request(reader.request, texts, ("read", "request"), sees=sees),
        records=reader.batch.records,
        each=texts.value(reader.each, "read", "each"),
        fields=None if reader.fields is None else texts.value(reader.fields, "read", "fields"),
        missing=frozenset(reader.missing),
    )


def compile_check(model: AdapterFile, check: Check, texts: AdapterExpressions) -> CheckPlan:
    """Compile the harmless read of an adapter."""
    answer = check.answer
    return CheckPlan(
        request=compile_request(check, texts, ("check",), sees=texts.sight.common),
        ok=None if answer.ok is None else texts.condition(answer.ok, "check", "answer", "ok"),
        others=tuple(texts.condition(ok, *path) for ok, path in _different_oks(model).items()),
        any_body=answer.body == "any",
    )


def _different_oks(model: AdapterFile) -> dict[str, tuple[Step, ...]]:
    """Return each ``ok`` of an operation's answer with the place where it stands."""
    found: dict[str, tuple[Step, ...]] = {}
    for path, _, operation in model.all_operations():
        answers: list[tuple[tuple[Step, ...], Answer]] = [((*path, "answer"), operation.answer)]
        answers += [((*path, "steps", index, "answer"), step.answer) for index, step in operation.sending]
        found |= {answer.ok: (*at, "ok") for at, answer in answers if answer.ok is not None and answer.ok not in found}
    return found


def compile_answer(answer: Answer, texts: AdapterExpressions, path: tuple[Step, ...]) -> AnswerPlan:
    """Compile how an answer is read."""
    refused = answer.refusal
    return AnswerPlan(
        ok=None if answer.ok is None else texts.condition(answer.ok, *path, "ok"),
        results=None if answer.results is None else compile_reader(answer.results, texts, (*path, "results")),
        failures=None if answer.failures is None else compile_reader(answer.failures, texts, (*path, "failures")),
        missing=answer.missing,
        found=answer.found,
        several=answer.several,
        ignores_strangers=answer.strangers == "ignore",
        pages=None if answer.pages is None else compile_pages(answer.pages, texts, (*path, "pages")),
        body=answer.body,
        count=None if answer.count is None else texts.value(answer.count, *path, "count"),
        refusal=None if refused is None else compile_reader(refused.failures, texts, (*path, "refusal", "failures")),
        others_delivered=refused is not None and refused.others == "delivered",
        place=texts.place(*path),
    )


def compile_pages(pages: Pages, texts: AdapterExpressions, path: tuple[Step, ...]) -> PagesPlan:
    def where(text: str | None, name: str) -> Value | None:
        return None if text is None else texts.value(text, *path, name, sees=PAGE)

    query = texts.templates(pages.query, *path, "query", sees=texts.sight.following)
    return PagesPlan(where(pages.link, "link"), where(pages.next, "next"), query, pages.most, pages.method == "get")
