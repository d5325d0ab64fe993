"""What a page of an adapter says in words: what to know before one begins, how a project begins, what proves a delivery, which fields."""

from __future__ import annotations

from collections.abc import Mapping

from syncflow.config.models.adapter import AdapterFile
from syncflow.config.models.answer import Answer, Reader
from syncflow.config.models.job import Job
from syncflow.config.models.operation import Operation
from syncflow.config.models.schema import ObjectField

_MADE_UP = {"text": "…", "integer": "1", "boolean": "true", "list": "[name, email]", "map": "{}"}
_LEFT_OUT = {"retry": "tried again", "reject": "a dead letter", "already_done": "done already"}


def notes(text: str) -> str:
    """Return the comment that an adapter's file begins with, as prose."""
    lines = []
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.removeprefix("#").strip())
    return " ".join(lines)


def beginning(adapter: AdapterFile) -> str:
    """Return the part of a routes file that a project begins with: the first way to sign in, and the options that must be given."""
    name = adapter.adapter
    lines = ["# in routes.yaml", "systems:", f"  {name}:", f"    adapter: {name}"]
    if ".example.com" in adapter.base_url:
        lines.append(f'    base_url: "${{{name.upper()}_URL}}"')
    if adapter.auth:
        settings = next(iter(adapter.auth.values())).settings
        given = [f"{key}: {_setting(name, key, kind)}" for key, kind in settings.items()]
        lines += [f"    auth: {{{', '.join(given)}}}"] if given else []
    needed = {key: option for key, option in adapter.options.items() if option.default is None}
    if needed:
        told = [f"{key}: {(option.options or [_MADE_UP[option.type]])[0]}" for key, option in needed.items()]
        lines.append(f"    options: {{{', '.join(told)}}}")
    return "\n".join(["```yaml", *lines, "```"])


def first_mapping(adapter: AdapterFile, object_name: str, described: Mapping[str, ObjectField]) -> str:
    """Return a mapping to begin with: the first key of an object and the fields that it requires, out of fields of the same name."""
    key = next(iter(adapter.objects[object_name].keys), None)
    if key is None:
        return ""
    name = f"{adapter.adapter}_{object_name}"
    own = {"email": "item.email", "name": "item.name"}.get(described[key].type if key in described else key, "item.id")
    required = [field for field, entry in described.items() if entry.required and field != key]
    fields = [f"  {key}: {own}", *(f"  {field}: item.{field.lower()}" for field in required)]
    lines = [
        f"# mappings/{name}.yaml",
        "source: contacts",
        f"target: {adapter.adapter}/{object_name}",
        f"key: {key}",
        "fields:",
    ]
    return "\n".join(["```yaml", *lines, *fields, "```"])


def kept(adapter: AdapterFile) -> str:
    """Return which objects keep every change that they are told, and which are never deleted."""
    every = [name for name in adapter.objects if any(each.every for each in adapter.operations_of(name).values())]
    lasting = [name for name in adapter.objects if "delete" not in adapter.operations_of(name)]
    told = [f"Each change is told to {_listed(every)}, also where a later one of the record waits."] if every else []
    if lasting:
        told.append(f"Nothing is deleted in {_listed(lasting)}: a route there says `operations: {{delete: ignore}}`.")
    return " ".join(told)


def _listed(names: list[str]) -> str:
    return " and ".join(f"`{name}`" for name in names)


def _setting(name: str, key: str, kind: str) -> str:
    return f'"${{{name.upper()}_{key.upper()}}}"' if kind == "secret" else "…"


def proof(operation: Operation) -> str:
    """Return what proves that a record was taken: how the answer to the last request that writes is read, or how a job ends."""
    if operation.steps and operation.steps[-1].then == "retry":
        return "a later try finds nothing left to do"
    answers = [(step.answer, step.looks) for _, step in operation.sending if step.for_ is None]
    if operation.request is not None:
        answers = [(operation.answer, False)]
    writing = [answer for answer, looks in answers if not looks]
    ways = [_proof(writing[-1], several=operation.batch.records > 1)] if writing else []
    ways += [_ended(operation.job)] if operation.job is not None else []
    return "; by a job: ".join(ways) or "nothing is written"


def _ended(job: Job) -> str:
    told = [f"the job has ended (`{job.poll.until}`)"]
    for each in job.results:
        told += _result(each.answer.results) if each.answer.results is not None else []
        told += [f"`{each.answer.failures.each}` does not name it"] if each.answer.failures is not None else []
    return ", ".join(told)


def _proof(answer: Answer, *, several: bool) -> str:
    parts = [f"`{answer.ok}` is true"] if answer.ok is not None else []
    parts += [f"`{answer.count}` is as many as were sent"] if answer.count is not None else []
    parts += _result(answer.results) if answer.results is not None else []
    parts += [f"`{answer.failures.each}` does not name it"] if answer.failures is not None else []
    if not parts:
        return "the status is 2xx" + ("" if answer.body == "any" else ", with JSON or without a body")
    said = ", ".join(parts)
    left_out = _LEFT_OUT.get(answer.missing) if several and answer.results is not None else None
    return f"{said}; who is left out is {left_out}" if left_out else said


def _result(reader: Reader) -> list[str]:
    told = []
    if reader.match != "index":
        keys = reader.with_ if isinstance(reader.with_, str) else " or ".join(reader.with_)
        told.append(
            f"{'the answer' if reader.each == '@' else f'`{reader.each}`'} shows it (`{reader.match}` is `{keys}`)"
        )
    elif reader.each != "@":
        told.append(f"`{reader.each}` has it at its place")
    told += [f"`{reader.ok}` is true"] if reader.ok is not None else []
    told += [f"there is an id (`{reader.vendor_id}`)"] if reader.vendor_id is not None else []
    return told


def fields(name: str, described: Mapping[str, ObjectField]) -> str:
    """Return the fields of an object as a table that a reader opens."""
    rows = [f"| `{field}` | {_type(entry)} | {_rules(entry)} |" for field, entry in described.items()]
    head = [f"<details><summary>The {len(rows)} fields of <code>{name}</code></summary>", ""]
    return "\n".join([*head, "| field | type | rules |", "| --- | --- | --- |", *rows, "", "</details>"])


def _type(field: ObjectField) -> str:
    return (
        field.type
        if not field.options
        else f"{field.type}: {', '.join(f'`{one}`' for one in field.options)}".replace("|", "\\|")
    )


def _rules(field: ObjectField) -> str:
    said = {
        "required": field.required,
        "may be a key": field.unique or field.key,
        "set by the other side only": field.read_only,
        "on create only": field.create_only,
        f"at most {field.length} characters": field.length is not None,
    }
    return ", ".join(words for words, holds in said.items() if holds)
