"""The adapters that come with syncflow, from their files: an entry for the terminal, a page each, and a page that lists them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from syncflow.cli.reference import adapter_words as words
from syncflow.cli.reference.entry import Entry, Kind
from syncflow.errors import ProjectError


def entries() -> list[Entry]:
    """Return an entry for every adapter of syncflow, and of other packages."""
    return [_entry(file, _read(file)) for file in (*_files(), *_files_of_packages())]


def pages() -> dict[str, str]:
    """Return the name of each adapter → its page, without the first heading: its entry, and the fields of its objects."""
    found = {}
    for file in _files():
        adapter = _read(file)
        found[adapter.adapter] = "\n\n".join([_entry(file, adapter).text, *_fields(file, adapter)])
    return found


def overview() -> str:
    """Return a table of all adapters, each with a link to its page."""
    rows = [
        (
            f"[`{adapter.adapter}`](adapters/{adapter.adapter}.md)",
            adapter.description,
            ", ".join(f"`{name}`" for name in adapter.objects),
            str(lines),
        )
        for adapter, lines in ((_read(file), len(file.read_text("utf-8").splitlines())) for file in _files())
    ]
    return _table("", ("adapter", "what it speaks to", "objects", "lines of YAML"), rows)[0].lstrip()


def _files() -> list[Any]:
    found = files("syncflow.adapters").iterdir()
    return [file for file in sorted(found, key=lambda file: file.name) if file.name.endswith(".yaml")]


def _files_of_packages() -> list[Path]:
    from syncflow.config.models.packages import folders_of_adapters

    return [file for folder in folders_of_adapters() for file in sorted(folder.glob("*.yaml"))]


def _read(file: Any) -> Any:
    from syncflow.config.files import Files
    from syncflow.config.models.adapter import AdapterFile

    files_read = Files({}, offline=True)
    document = files_read.document(AdapterFile, file)
    if document is None:
        raise ProjectError(f"the adapter {file.name} of a package cannot be read", diagnostics=files_read.diagnostics)
    return document.model


def _entry(file: Any, adapter: Any) -> Entry:
    first = next(iter(adapter.objects))
    text = [adapter.description, words.notes(file.read_text("utf-8")), words.beginning(adapter)]
    text += [words.first_mapping(adapter, first, dict(_described(file, adapter)).get(first, {}))]
    text += [f"Address: `{adapter.base_url}`.", *_sign_in(adapter), *_options(adapter)]
    text += [*_objects(adapter), words.kept(adapter), *_operations(adapter), *_limits(adapter), *_outcomes(adapter)]
    text.append(f"`syncflow adapters show {adapter.adapter}` prints its file.")
    return Entry(
        kind=Kind.ADAPTER, name=adapter.adapter, summary=adapter.description, text="\n\n".join(filter(None, text))
    )


def _fields(file: Any, adapter: Any) -> list[str]:
    """Return the fields of each object; of one that has no file any field is taken."""
    return [words.fields(name, described) for name, described in _described(file, adapter)]


def _described(file: Any, adapter: Any) -> Iterator[tuple[str, Any]]:
    """Yield the fields of each object that has a file of them."""
    from syncflow.config.files import Files
    from syncflow.config.models.schema import ObjectFile

    for name, declared in adapter.objects.items():
        if declared.fields is not None:
            document = Files({}, offline=True).document(ObjectFile, file.parent / declared.fields)
            if document is not None:
                yield name, document.model.fields


def _table(title: str, head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    if not rows:
        return []
    lines = [head, ("---",) * len(head), *rows]
    return [
        "\n".join(
            [
                f"**{title}**" if title else "",
                "",
                *(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines),
            ]
        )
    ]


def _cell(text: str) -> str:
    return " ".join(str(text).split()).replace("|", "\\|")


def _sign_in(adapter: Any) -> list[str]:
    rows = [
        (
            f"`{name}`",
            ", ".join(f"`{key}`" + (" (secret)" if kind == "secret" else "") for key, kind in way.settings.items()),
        )
        for name, way in adapter.auth.items()
    ]
    return _table("Sign-in: settings under `auth:`", ("way", "settings"), rows)


def _options(adapter: Any) -> list[str]:
    rows = [
        (
            f"`{name}`",
            option.type,
            "must be given" if option.default is None else f"`{option.default}`" if option.default != "" else "empty",
            option.description,
        )
        for name, option in adapter.options.items()
    ]
    return _table("Options: settings under `options:`", ("option", "type", "default", "meaning"), rows)


def _objects(adapter: Any) -> list[str]:
    rows = [
        (
            f"`{adapter.adapter}/{name}`",
            ", ".join(f"`{key}`" for key in each.keys) or ("any unique field" if each.fields else "any field"),
        )
        for name, each in adapter.objects.items()
    ]
    return _table("Objects: what a mapping may have as `target:`", ("target", "keys"), rows)


def _operations(adapter: Any) -> list[str]:
    rows = [
        (
            f"`{path[1]}`: `{action}`" if path[0] == "objects" else f"`{action}`",
            str(operation.batch.records if operation.answers else operation.job.records),
            str(operation.repeat),
            _requests(operation),
            words.proof(operation),
        )
        for path, action, operation in adapter.all_operations()
    ]
    head = ("operation", "records a request", "sending it twice is", "requests", "a record is delivered where")
    return _table("Operations", head, rows)


def _requests(operation: Any) -> str:
    ways = [str(len(operation.answers))] if operation.answers else []
    return " or ".join([*ways, *(["a job"] if operation.job is not None else [])])


def _limits(adapter: Any) -> list[str]:
    rows = [(_limit(limit), limit.only or "every request") for limit in adapter.limits]
    return _table("Limits", ("limit", "for"), rows)


def _limit(limit: Any) -> str:
    if limit.requests is not None:
        return f"{limit.requests} requests within {limit.per:g} s"
    if limit.in_flight is not None:
        return f"{limit.in_flight} requests at once"
    return f"what is left is read from `{limit.remaining}`"


def _outcomes(adapter: Any) -> list[str]:
    rows = [
        (_condition(rule), f"`{rule.then}`" + (f", {rule.wait}" if rule.wait is not None else ""))
        for rule in adapter.outcomes
    ]
    return _table("What refusals mean: the first that fits", ("answer", "then"), rows)


def _condition(rule: Any) -> str:
    said = {
        "status": rule.status,
        "code": rule.code,
        "message": rule.message,
        "header": rule.header,
        "operation": rule.operation,
        "when": rule.when,
    }
    return ", ".join(f"{name} `{_spelled(value)}`" for name, value in said.items() if value)


def _spelled(value: Any) -> str:
    if isinstance(value, tuple | list):
        return ", ".join(map(str, value))
    return ", ".join(f"{name}: {text}" for name, text in value.items()) if hasattr(value, "items") else str(value)
