"""Jobs compiled: each of their requests is a step, and the conditions on their state are expressions over the answer to a poll."""

from __future__ import annotations

from collections.abc import Mapping

from syncflow.compiler.types.json import Object, Type, optional
from syncflow.compiler.wire.adapter_expressions import AdapterExpressions, Step
from syncflow.compiler.wire.operations import compile_answer, compile_request, tables_read
from syncflow.compiler.wire.plans import JobPlan, PollPlan, StepPlan, Value
from syncflow.config.models.answer import Answer
from syncflow.config.models.job import Job, JobAnswer, JobPoll, JobRequest
from syncflow.config.models.request import Request
from syncflow.patterns import lazy_pattern

_CARRIES = lazy_pattern(r"\b(each|deliveries)\b")


def compile_job(job: Job, texts: AdapterExpressions, path: tuple[Step, ...]) -> JobPlan:
    """Compile a job; ``least`` is for who knows the system: it stands as the adapter says."""
    carrying, at = (job.start, "start") if job.upload is None else (job.upload, "upload")
    if not _CARRIES.search(repr(carrying.request)):
        hint = "write the records as `csv: {each: payload}`, `ndjson: {each: payload}` or `json: {each: payload}`"
        texts.wrong((*path, at, "request"), f"nothing of the records is in what {at} sends", hint=hint)
    kept: dict[str, Type] = {name: optional(texts.type_of(text)) for name, text in job.start.keep.items()}
    sees = texts.sight.of_job(kept, carries=False)
    return JobPlan(
        when=None if job.when is None else texts.condition(job.when, *path, "when", sees=texts.sight.chosen),
        least=job.from_ or 0,
        records=job.records,
        bytes=job.bytes or 0,
        age_seconds=job.age,
        at_once=job.at_once,
        start=_step(
            job.start.request,
            Answer(ok=job.start.ok),
            texts,
            (*path, "start"),
            sees=texts.sight.of_job(None, carries=job.upload is None),
            records=job.records if job.upload is None else 2,
            most_bytes=0 if job.upload is not None else job.bytes or 0,
        ),
        id=texts.value(job.start.id, *path, "start", "id"),
        keeps=tuple((name, texts.value(text, *path, "start", "keep", name)) for name, text in job.start.keep.items()),
        upload=None
        if job.upload is None
        else _step(
            job.upload.request,
            _answer(job.upload.answer),
            texts,
            (*path, "upload"),
            sees=texts.sight.of_job(kept, carries=True),
            records=job.records,
            most_bytes=job.bytes or 0,
        ),
        close=_plain(job.close, texts, (*path, "close"), sees=sees),
        poll=_poll(job.poll, texts, (*path, "poll"), sees=sees),
        results=tuple(
            _step(
                each.request,
                each.answer,
                texts,
                (*path, "results", index),
                sees=sees,
                records=job.records,
                is_large=True,
            )
            for index, each in enumerate(job.results)
        ),
        abort=_plain(job.abort, texts, (*path, "abort"), sees=sees),
        missing=job.missing,
        place=texts.place(*path),
    )


def _plain(
    part: JobRequest | None, texts: AdapterExpressions, path: tuple[Step, ...], *, sees: Object
) -> StepPlan | None:
    return None if part is None else _step(part.request, _answer(part.answer), texts, path, sees=sees)


def _answer(answer: JobAnswer) -> Answer:
    return Answer(ok=answer.ok, body=answer.body)


def _step(
    request: Request,
    answer: Answer,
    texts: AdapterExpressions,
    path: tuple[Step, ...],
    *,
    sees: Object,
    records: int = 2,
    most_bytes: int = 0,
    is_large: bool = False,
) -> StepPlan:
    """Compile one request. It is one for several records, also where a job has one: what is of a record is seen within ``each``."""
    return StepPlan(
        tables=tables_read(request, texts.sight),
        name="",
        when=None,
        reads=False,
        records=max(2, records),
        bytes=most_bytes,
        remember_seconds=0.0,
        request=compile_request(request, texts, (*path, "request"), sees=sees),
        answer=compile_answer(answer, texts, (*path, "answer")),
        is_large=is_large,
    )


def _poll(poll: JobPoll, texts: AdapterExpressions, path: tuple[Step, ...], *, sees: Object) -> PollPlan:
    given: Mapping[str, str | None] = {
        "until": poll.until, "failed": poll.failed, "aborted": poll.aborted, "open": poll.open,
    }  # fmt: skip
    said: dict[str, Value] = {}
    for name, text in given.items():
        if text is None:
            continue
        if not texts.reads_something(text):
            hint = "a condition over the body of the answer, such as state == 'done'"
            texts.wrong(
                (*path, name),
                f"{text} is the same for every answer: the job would never end, or end at once",
                hint=hint,
            )
        said[name] = texts.condition(text, *path, name)
    return PollPlan(
        step=_step(poll.request, Answer(), texts, path, sees=sees, records=2),
        every_seconds=poll.every,
        most_seconds=poll.most,
        until=said["until"],
        failed=said.get("failed"),
        aborted=said.get("aborted"),
        open=said.get("open"),
        code=None if poll.code is None else texts.value(poll.code, *path, "code"),
        message=None if poll.message is None else texts.value(poll.message, *path, "message"),
    )
