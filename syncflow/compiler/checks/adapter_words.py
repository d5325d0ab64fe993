"""Checks of words in adapters that are there and say nothing: headers by another case, rules for good answers, payloads of deletes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from syncflow.compiler.checks.written import Path
from syncflow.compiler.wire.rules import statuses_of
from syncflow.config.diagnostics import Diagnostic, Replacement
from syncflow.config.documents import Document
from syncflow.config.models.adapter import AdapterFile
from syncflow.config.nodes import ScalarNode, dotted, scalars
from syncflow.config.replacements import rewritten_part
from syncflow.patterns import lazy_pattern

_HEADER = lazy_pattern(
    r"""(?<![\w.])headers(?:\."(?P<quoted>[^"]+)"|\[\s*['"](?P<entry>[^'"]+)['"]\s*\]|\.(?P<plain>[A-Za-z_]\w*))"""
)
_TEXT = lazy_pattern(r"'(?:[^'\\]|\\.)*'")
_PAYLOAD = lazy_pattern(r"(?<![\w.\"'-])payload\b(?!\s*[:(])")
_NO_TEXTS = frozenset({"description", "tests", "label"})


def check_words(adapter: Document[AdapterFile]) -> Iterator[Diagnostic]:
    """Yield what an adapter says in vain."""
    for path, scalar in scalars(adapter.node):
        if isinstance(scalar.value, str) and not _NO_TEXTS.intersection(path):
            yield from _headers(scalar, path)
            if path[:2] == ("operations", "delete") and path[-1] != "insert":
                yield from _payload_of_delete(scalar, path)
    yield from _rules_for_good_answers(adapter)


def _headers(scalar: ScalarNode, path: Path) -> Iterator[Diagnostic]:
    for found in _HEADER.finditer(scalar.value):
        group = str(found.lastgroup)
        name = found[group]
        if name != name.lower():
            start = found.start(group)
            yield Diagnostic(
                "SF522",
                scalar.span.at(start, len(name)),
                f"the names of headers are in lower case here, so `{name}` is never there",
                severity="warning",
                hint=f"write {name.lower()}",
                path=dotted(path),
                replaced=rewritten_part(scalar.span, start, len(name), name.lower()),
            )


def _payload_of_delete(scalar: ScalarNode, path: Path) -> Iterator[Diagnostic]:
    text = str(scalar.value)
    inner = text if "{{" in text or "{%" in text else _TEXT.sub(lambda quoted: " " * len(quoted[0]), text)
    if not ("{{" in text or "{%" in text or _reads(path)):
        return
    found = _PAYLOAD.search(inner)
    if found is not None:
        yield Diagnostic(
            "SF523",
            scalar.span.at(found.start(), len("payload")),
            "a delete has no payload: it knows the record's key, its id and the vendor's id",
            severity="warning",
            expected="key.value, record.id or vendor_id",
            hint="write key.value",
            path=dotted(path),
            replaced=_key_instead(scalar, inner, found),
        )


def _key_instead(scalar: ScalarNode, text: str, found: re.Match[str]) -> Replacement | None:
    field = re.match(r"payload\.\w+", text[found.start() :])
    return None if field is None else rewritten_part(scalar.span, found.start(), field.end(), "key.value")


def _reads(path: Path) -> bool:
    """Whether the text at a place of an operation is an expression, and no template."""
    return bool({"json", "csv", "group", "when", "with"}.intersection(path)) and path[-1] != "value"


def _rules_for_good_answers(adapter: Document[AdapterFile]) -> Iterator[Diagnostic]:
    for index, rule in enumerate(adapter.model.outcomes):
        statuses = statuses_of(rule)
        tells = rule.code is not None or rule.message is not None or rule.when is not None or rule.header
        if statuses and all(200 <= status < 300 for status in statuses) and rule.then == "delivered" and not tells:
            yield adapter.report(
                "SF506",
                "this rule is of no use: a good answer (2xx) needs none, and a record that it refuses would be called delivered",
                *("outcomes", index),
                severity="warning",
                hint="take it out",
            )
