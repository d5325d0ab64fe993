"""What stands in an adapter file, for checks that look at the words themselves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from syncflow.config.documents import Document
from syncflow.config.models.adapter import AdapterFile
from syncflow.config.models.request import Request
from syncflow.config.nodes import scalars

Path = tuple[str | int, ...]


def texts_within(adapter: Document[AdapterFile], path: Path) -> list[str]:
    """Return every text at a place or below it, also of an adapter that stands in another file."""
    return [str(scalar.value) for at, scalar in scalars(adapter.node) if _within(at, path)]


def requests_of(adapter: AdapterFile) -> Iterator[tuple[Path, Request]]:
    """Yield every request that an adapter may send, and where it stands."""
    for way, sign_in in adapter.auth.items():
        if sign_in.token is not None:
            yield ("auth", way, "token", "request"), sign_in.token.request
    for path, _, operation in adapter.all_operations():
        if operation.request is not None:
            yield (*path, "request"), operation.request
        for index, step in operation.sending:
            if step.request is not None:
                yield (*path, "steps", index, "request"), step.request
        if operation.job is not None:
            yield from (((*path, "job", *at), request) for at, request in operation.job.requests)
    for name, table in adapter.tables.items():
        yield ("tables", name, "request"), table.request
        if table.create is not None:
            yield ("tables", name, "create", "request"), table.create.request
    readers = {"describe": adapter.describe, "read": adapter.read, "find": adapter.find}
    yield from (((name, "request"), reader.request) for name, reader in readers.items() if reader is not None)
    if adapter.check is not None:
        yield ("check",), adapter.check


def _within(at: Sequence[str | int], path: Path) -> bool:
    return any(tuple(at[start : start + len(path)]) == path for start in range(len(at) - len(path) + 1))
