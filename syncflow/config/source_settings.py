"""What can be told of a source's settings before it is opened, beyond what its model says."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from glob import has_magic
from pathlib import Path
from typing import get_args

from syncflow.config.diagnostics import Diagnostic, did_you_mean, one_of
from syncflow.config.documents import Document
from syncflow.config.models.routes import RoutesFile
from syncflow.config.webhook_settings import check_webhook, is_installed
from syncflow.events import Change


def check_source(
    routes: Document[RoutesFile], *, is_installed: Callable[[str], bool] = is_installed
) -> Iterator[Diagnostic]:
    """Yield what is wrong with the settings of the source. ``is_installed`` is asked for the packages of its extras."""
    yield from _generated_record(routes)
    yield from _shares(routes)
    yield from check_webhook(routes, is_installed=is_installed)
    yield from _journal_is_the_source(routes)
    yield from _followed(routes)
    yield from _packed(routes, is_installed)
    yield from _encoding(routes)


def _generated_record(routes: Document[RoutesFile]) -> Iterator[Diagnostic]:
    generate = routes.model.source.generate
    kinds = list(routes.model.records)
    if generate is None:
        return
    at = ("source", "generate")
    if generate.record is None and len(kinds) > 1:
        message, hint = "which kind of record is generated?", f"add `record: {kinds[0]}`"
        yield routes.report("SF404", message, *at, at_key=True, expected=one_of(kinds), hint=hint)
    elif generate.record is not None and generate.record not in kinds:
        message, close = f"there is no kind of record `{generate.record}`", did_you_mean(generate.record, kinds)
        yield routes.report("SF404", message, *at, "record", expected=one_of(kinds), suggestion=close)


def _shares(routes: Document[RoutesFile]) -> Iterator[Diagnostic]:
    generate = routes.model.source.generate
    changes = get_args(Change)
    shares = generate.shares if generate else {}
    for name, share in shares.items():
        at = ("source", "generate", "shares", name)
        if name not in changes:
            close = did_you_mean(name, changes)
            message = f"unknown key `{name}`"
            yield routes.report("SF201", message, *at, at_key=True, expected=one_of(changes), suggestion=close)
        elif share < 0:
            yield routes.report("SF206", f"`{name}` is out of bounds", *at, expected="at least 0")
    if shares and not any(shares.values()):
        place = ("source", "generate", "shares")
        yield routes.report("SF206", "no operation has a share", *place, at_key=True, expected="one share above 0")


def _journal_is_the_source(routes: Document[RoutesFile]) -> Iterator[Diagnostic]:
    file = routes.model.source.file
    if file is None or routes.is_unset("journal", "path"):
        return
    base = routes.path.parent
    events, journal = base / file.path, base / routes.model.journal.path
    if _is_same(events, journal):
        message = f"the journal is the file of events ({file.path}), and would be written over it"
        yield routes.report("SF205", message, "journal", "path", expected="a file of its own")


def _followed(routes: Document[RoutesFile]) -> Iterator[Diagnostic]:
    file = routes.model.source.file
    if file is None or not file.follow or has_magic(file.path):
        return
    if file.path.endswith((".gz", ".zst")):
        message, hint = "a compressed file does not grow, and cannot be followed", "remove `follow: true`"
        yield routes.report("SF205", message, "source", "file", "follow", hint=hint)
    elif file.format == "json":
        message, hint = "a JSON document has an end, and cannot be followed", "write `format: jsonl`, an event a line"
        yield routes.report("SF205", message, "source", "file", "format", hint=hint)


def _encoding(routes: Document[RoutesFile]) -> Iterator[Diagnostic]:
    source = routes.model.source
    given = source.file or source.stdin
    if given is None or given.encoding in {None, "utf-8"}:
        return
    is_named = (
        source.file is not None and source.file.format is None and re.search(r"\.json(\.\w+)?\Z", source.file.path)
    )
    if given.format == "json" or is_named:
        message, hint = "a JSON document is UTF-8", "remove `encoding`, or write `format: jsonl` for an event a line"
        yield routes.report("SF205", message, "source", source.kind, "encoding", hint=hint)


def _packed(routes: Document[RoutesFile], is_installed: Callable[[str], bool]) -> Iterator[Diagnostic]:
    file = routes.model.source.file
    if file is not None and file.path.endswith(".zst") and not is_installed("zstandard"):
        message, hint = "files called .zst need a package that is not installed", "pip install 'syncflow[zst]'"
        yield routes.report("SF222", message, "source", "file", "path", hint=hint)


def _is_same(one: Path, other: Path) -> bool:
    try:
        return os.path.normpath(one) == os.path.normpath(other) or one.samefile(other)
    except (OSError, ValueError):
        return False
