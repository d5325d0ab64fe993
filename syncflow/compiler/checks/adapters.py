"""Checks of adapter files: outcome rules that no answer reaches, batches whose records share one fate, pages without an end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from syncflow.compiler.checks.adapter_operations import check_operations
from syncflow.compiler.checks.adapter_words import check_words
from syncflow.compiler.checks.mapped_attributes import check_mapped
from syncflow.compiler.checks.misplaced_names import check_names
from syncflow.compiler.checks.written import texts_within
from syncflow.compiler.expressions import Emitter
from syncflow.compiler.languages.base import ExpressionError
from syncflow.compiler.wire.rules import codes_of, statuses_of
from syncflow.compiler.wire.visible_names import PAGE
from syncflow.config.diagnostics import Diagnostic
from syncflow.config.documents import Document
from syncflow.config.models.adapter import AdapterFile, OutcomeRule
from syncflow.config.models.answer import Answer
from syncflow.config.models.operation import Operation
from syncflow.config.nodes import scalars
from syncflow.config.replacements import rewritten
from syncflow.patterns import lazy_pattern

_Path = tuple[str | int, ...]
_SECRET = lazy_pattern(r"password|passphrase|secret|token|(^|_)key$", re.IGNORECASE)
_NEXT = lazy_pattern(r"\bnext\b")
_WAITS = ("retry", "throttle", "park")
_TOKEN = lazy_pattern(r"\btoken\.")
_SAYS = ("results", "failures", "ok")


def check_adapter_file(adapter: Document[AdapterFile]) -> Iterator[Diagnostic]:
    """Yield what looks wrong in one adapter, though it can be used."""
    yield from _unreached_rules(adapter)
    yield from _idle_waits(adapter)
    yield from _unused_settings(adapter)
    yield from _open_secrets(adapter)
    yield from _uncarried_tokens(adapter)
    yield from check_operations(adapter)
    yield from check_names(adapter)
    yield from check_words(adapter)
    yield from check_mapped(adapter)
    for at, _, operation in adapter.model.all_operations():
        for path, answer, records in _answers(operation, at):
            yield from _endless_pages(adapter, answer, path)
            yield from _unsent_cursor(adapter, answer, path)
            yield from _untold_ids(adapter, answer, path)
            if records > 1:
                yield from _shared_fate(adapter, answer, path, records)
        for index, results in enumerate(operation.job.results if operation.job is not None else ()):
            path = (*at, "job", "results", index, "answer")
            yield from _endless_pages(adapter, results.answer, path)
            yield from _unsent_cursor(adapter, results.answer, path)


def _unused_settings(adapter: Document[AdapterFile]) -> Iterator[Diagnostic]:
    """Yield what a system must give and no text of the adapter uses: what should stand there may be written out instead."""
    texts = "\n".join(str(scalar.value) for _, scalar in scalars(adapter.node))
    asked: list[tuple[_Path, str]] = [(("options", name), f"options.{name}") for name in adapter.model.options]
    asked += [
        (("auth", way, "settings", name), f"auth.{name}")
        for way, sign_in in adapter.model.auth.items()
        for name in sign_in.settings
    ]
    for path, name in asked:
        if not re.search(rf"\b{re.escape(name)}\b", texts):
            yield adapter.report(
                "SF506",
                f"nothing in the adapter uses {name}",
                *path,
                severity="warning",
                at_key=True,
                hint=f"write {{{{ {name} }}}} where it belongs, and no value of a system into the adapter itself; or take it out",
            )


def _uncarried_tokens(adapter: Document[AdapterFile]) -> Iterator[Diagnostic]:
    """Yield sign-ins whose token no request carries."""
    model = adapter.model
    others = [
        *model.headers.values(),
        model.path,
        *texts_within(adapter, ("operations",)),
        *texts_within(adapter, ("objects",)),
    ]
    for way, sign_in in model.auth.items():
        texts = [*sign_in.headers.values(), *sign_in.query.values(), *others]
        if sign_in.token is not None and not any(_TOKEN.search(text) for text in texts):
            yield adapter.report(
                "SF506",
                f"no request carries the token of {way}",
                *("auth", way, "token"),
                severity="warning",
                at_key=True,
                hint='such as `headers: {Authorization: "Bearer {{ token.value }}"}` beside it',
            )


def _open_secrets(adapter: Document[AdapterFile]) -> Iterator[Diagnostic]:
    for way, sign_in in adapter.model.auth.items():
        for name, kind in sign_in.settings.items():
            if kind == "text" and _SECRET.search(name):
                yield adapter.report(
                    "SF507",
                    f"{name} sounds like a secret, and text is shown in dry-run and in errors",
                    *("auth", way, "settings", name),
                    severity="warning",
                    hint=f"write `{name}: secret`",
                    replaced=rewritten(adapter.span("auth", way, "settings", name), "secret"),
                )


def _unreached_rules(adapter: Document[AdapterFile]) -> Iterator[Diagnostic]:
    rules = adapter.model.outcomes
    known = {action for _, action, _ in (*adapter.model.all_operations(), *adapter.model.carried_operations())}
    for index, rule in enumerate(rules):
        earlier = next((number for number, other in enumerate(rules[:index]) if _takes_all(other, rule)), None)
        if rule.operation is not None and rule.operation not in known:
            reason, hint = f"the adapter has no operation {rule.operation}", "take the rule out, or add the operation"
        elif earlier is not None:
            line = adapter.span("outcomes", earlier).line
            reason = f"the rule in line {line} takes all that it would take"
            hint = "put the narrower rule first"
        else:
            continue
        yield adapter.report(
            "SF503", f"this outcome is never reached: {reason}", "outcomes", index, severity="warning", hint=hint
        )


def _idle_waits(adapter: Document[AdapterFile]) -> Iterator[Diagnostic]:
    for index, rule in enumerate(adapter.model.outcomes):
        for name in ("wait", "until"):
            if getattr(rule, name) is not None and rule.then not in _WAITS:
                yield adapter.report(
                    "SF506",
                    f"nothing waits after {rule.then}",
                    *("outcomes", index, name),
                    severity="warning",
                    at_key=True,
                    hint=f"`{name}` goes with {', '.join(_WAITS)}",
                )


def _takes_all(earlier: OutcomeRule, later: OutcomeRule) -> bool:
    """Return whether whatever fits the later rule fits the earlier one; no where that cannot be told."""
    return (
        (earlier.then != "adopt" or later.then == "adopt")  # which is for mappings that adopt
        and _covers(statuses_of(earlier), statuses_of(later))
        and _covers(codes_of(earlier), codes_of(later))
        and earlier.header.items() <= later.header.items()
        and all(getattr(earlier, name) in (None, getattr(later, name)) for name in ("message", "operation", "when"))
    )


def _covers(wide: frozenset[Any], narrow: frozenset[Any]) -> bool:
    return not wide or (bool(narrow) and narrow <= wide)


def _answers(operation: Operation, path: _Path) -> Iterator[tuple[_Path, Answer, int]]:
    """Yield each answer of an operation, and how many records share it where it tells what became of them."""
    most = operation.batch.records
    if operation.request is not None:
        yield (*path, "answer"), operation.answer, most
    for index, step in operation.sending:
        records = 1 if step.looks else most if step.records is None else min(most, step.records)
        yield (*path, "steps", index, "answer"), step.answer, records


def _shared_fate(adapter: Document[AdapterFile], answer: Answer, path: _Path, records: int) -> Iterator[Diagnostic]:
    if any(getattr(answer, name) is not None for name in _SAYS) or "missing" in answer.model_fields_set:
        return
    yield adapter.report(
        "SF505",
        f"one answer speaks of up to {records} records, and nothing reads what became of each",
        *path[:-1],
        "request",
        severity="warning",
        expected="results or failures, which read the answer record by record",
        hint="where the other side does all or nothing, say so: `answer: {missing: delivered}`",
    )


def _untold_ids(adapter: Document[AdapterFile], answer: Answer, path: _Path) -> Iterator[Diagnostic]:
    """Yield readers that look for the delivery's id in the answer to a request that did not tell it."""
    texts = texts_within(adapter, (*path[:-1], "request"))
    for name in ("results", "failures"):
        reader = getattr(answer, name)
        if reader is None or reader.match == "index" or reader.with_ != "delivery.id":
            continue
        if not any("delivery" in text for text in texts):
            yield adapter.report(
                "SF508",
                f"{name} are matched with delivery.id, which the request does not tell",
                *path,
                name,
                severity="warning",
                at_key=True,
                hint="send `delivery.id` along, or say with what: `with: key.value`, or `with: position` for a number from 0",
            )


def _endless_pages(adapter: Document[AdapterFile], answer: Answer, path: _Path) -> Iterator[Diagnostic]:
    pages = answer.pages
    if pages is None:
        return
    name, text = ("link", pages.link) if pages.link is not None else ("next", pages.next)
    if text is not None and not _reads_the_answer(text):
        yield adapter.report(
            "SF504",
            f"this asks for page after page without looking at the answer, until it gives up after {pages.most}",
            *path,
            "pages",
            name,
            severity="warning",
            expected="an expression over body or headers that is null on the last page",
        )


def _unsent_cursor(adapter: Document[AdapterFile], answer: Answer, path: _Path) -> Iterator[Diagnostic]:
    """Yield a cursor that no request carries."""
    if answer.pages is None or answer.pages.next is None:
        return
    texts = [*answer.pages.query.values(), *texts_within(adapter, (*path[:-1], "request"))]
    if any(_NEXT.search(text) for text in texts):
        return
    yield adapter.report(
        "SF504",
        "nothing sends what this gives, so that every page is the first one",
        *path,
        "pages",
        "next",
        severity="warning",
        hint='send it: `query: {cursor: "{{ next }}"}` beside it',
    )


def _reads_the_answer(text: str) -> bool:
    try:
        reads = Emitter(PAGE).expression(text).reads
    except ExpressionError:  # said elsewhere
        return True
    return any(read.steps[0] != "page" for read in reads)  # what is not there at all is said elsewhere
