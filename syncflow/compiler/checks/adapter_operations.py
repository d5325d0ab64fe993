"""Checks of an adapter's operations: those that can deliver nothing, keys against repeats that are none, limits that nothing meets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from syncflow.compiler.checks.written import Path, requests_of
from syncflow.config.diagnostics import Diagnostic, did_you_mean
from syncflow.config.documents import Document
from syncflow.config.models.adapter import AdapterFile
from syncflow.config.models.answer import Answer
from syncflow.config.models.operation import Operation
from syncflow.patterns import lazy_pattern

_SETTLES = {"delivered", "already_done", "next"}
_UNIQUE = "delivery.unique_id"
_KEY = f'"{{{{ {_UNIQUE} }}}}"'
_OF_A_DELIVERY = lazy_pattern(r"\bdelivery\.(unique_)?id\b")


def check_operations(adapter: Document[AdapterFile]) -> Iterator[Diagnostic]:
    """Yield what no delivery comes through, or not as it is called."""
    for path, _, operation in adapter.model.all_operations():
        yield from _only_looks(adapter, operation, path)
        for at, answer in _writing(operation, path):
            yield from _delivers_nothing(adapter, answer, at)
        if operation.repeat == "by_key_header":
            yield from _lacks_a_key(adapter, operation, path)
    yield from _unmet_limits(adapter)


def _only_looks(adapter: Document[AdapterFile], operation: Operation, path: Path) -> Iterator[Diagnostic]:
    steps = operation.steps
    if not steps or not all(step.looks for step in steps) or any(step.answer.found != "done" for step in steps):
        return
    if any(step.decided == "already_done" for step in steps):
        return
    yield adapter.report(
        "SF509",
        f"every step of {path[-1]} only looks, so that nothing is ever delivered",
        *path,
        "steps",
        severity="warning",
        at_key=True,
        expected="a step that writes",
        hint="where the other side is written to by GET, say `reads: false`",
    )


def _delivers_nothing(adapter: Document[AdapterFile], answer: Answer, path: Path) -> Iterator[Diagnostic]:
    """Yield a reader of failures alone that leaves out the records that did not fail."""
    if answer.failures is None or answer.failures.ok is not None or answer.results is not None:
        return
    if answer.missing in _SETTLES:
        return
    yield adapter.report(
        "SF509",
        "the answer lists failures alone, and a record that it leaves out is not delivered: none ever is",
        *path,
        "failures",
        severity="warning",
        at_key=True,
        hint="where who is not listed was taken, say `missing: delivered`",
    )


def _writing(operation: Operation, path: Path) -> Iterator[tuple[Path, Answer]]:
    if operation.request is not None:
        yield (*path, "answer"), operation.answer
    for index, step in enumerate(operation.steps):
        if not step.looks:
            yield (*path, "steps", index, "answer"), step.answer


def _lacks_a_key(adapter: Document[AdapterFile], operation: Operation, path: Path) -> Iterator[Diagnostic]:
    """Yield an operation whose repeats no key tells from new requests, or whose new requests a key takes for repeats."""
    keyed = [(texts, most) for texts, most in _headers(adapter.model, operation) if _OF_A_DELIVERY.search(texts)]
    if not keyed:
        message = "no header tells which delivery it is, so that a repeat is a new request to the other side"
        hint = f"write `headers: {{Idempotency-Key: {_KEY}}}`; batch.id and uuid() are others at every try"
    elif (most := max(most for _, most in keyed)) > 1:
        message = f"one key is sent for up to {most} records, and a repeat may be of others"
        hint = "send one record in a request that has such a key"
    elif not any(_UNIQUE in texts for texts, _ in keyed):
        message = (
            "delivery.id is counted by the journal: with another journal old keys come again, and with them old answers"
        )
        hint = f"write {_KEY}"
    else:
        return
    yield adapter.report("SF510", message, *path, "repeat", severity="warning", hint=hint)


def _headers(adapter: AdapterFile, operation: Operation) -> Iterator[tuple[str, int]]:
    """Yield what stands in the headers of each request that writes, and how many records it carries."""
    most = operation.batch.records
    requests = [] if operation.request is None else [(operation.request, most)]
    requests += [
        (step.request, min(most, step.records or most))
        for step in operation.steps
        if step.request is not None and not step.looks
    ]
    for request, records in requests:
        yield "\n".join([*adapter.headers.values(), *request.headers.values()]), records


def _unmet_limits(adapter: Document[AdapterFile]) -> Iterator[Diagnostic]:
    """Yield groups of requests that only a limit names, or only a request."""
    limited: dict[str, Path] = {
        limit.only: ("limits", index, "only") for index, limit in enumerate(adapter.model.limits) if limit.only
    }
    counted: dict[str, Path] = {
        request.limit: (*path, "limit") for path, request in requests_of(adapter.model) if request.limit
    }
    for name, path in limited.items():
        if name not in counted:
            yield _unmet(adapter, path, f"no request counts against {name}, so that this limits nothing", name, counted)
    for name, path in counted.items():
        if name not in limited:
            yield _unmet(adapter, path, f"no limit is for {name}, so that this bounds nothing", name, limited)


def _unmet(
    adapter: Document[AdapterFile], path: Path, message: str, name: str, there: Mapping[str, Path]
) -> Diagnostic:
    close = did_you_mean(name, there)
    ours = "`limit: {0}` of a request" if path[-1] == "only" else "`only: {0}` of an entry of limits"
    hint = f"did you mean {close}?" if close else f"it goes with {ours.format(name)}"
    return adapter.report("SF506", message, *path, severity="warning", hint=hint)
