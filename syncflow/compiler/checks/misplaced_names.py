"""Checks of what reads an answer: names that are there in other places of an adapter, and are looked for in the body here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from syncflow.compiler.checks.written import Path
from syncflow.compiler.languages.base import is_jinja
from syncflow.config.diagnostics import Diagnostic
from syncflow.config.documents import Document
from syncflow.config.models.adapter import AdapterFile
from syncflow.config.models.answer import Answer, Reader
from syncflow.patterns import lazy_pattern

_NAMES = lazy_pattern(r"(?<![\w.@\"'\]])(body|headers|element|auth|options|steps|token)\.(?=[\w\"])")
_OF_JMESPATH = frozenset({"body", "headers", "element"})
"""Elsewhere ``token`` or ``options`` may well be the other side's own."""
_OF_ELEMENT = ("match", "ok", "vendor_id", "code", "message")


class _Text(NamedTuple):
    """An expression that reads an answer. ``whole``: over the body, not over one element of a list in it."""

    path: Path
    text: str
    whole: bool


def check_names(adapter: Document[AdapterFile]) -> Iterator[Diagnostic]:
    """Yield expressions that look within the body for what stands beside it."""
    for path, text, whole in _texts(adapter.model):
        if is_jinja(text) and not whole:  # sees roots of its own, and is held against them
            continue
        for found in _NAMES.finditer(text):
            name = found[1]
            if not is_jinja(text) and name not in _OF_JMESPATH:
                continue
            what = "body" if whole else "element"
            message = f"`{name}` is looked for within the {what}, for this reads the {what} itself"
            yield adapter.report("SF516", message, *path, severity="warning", hint=_hint(text, name, whole=whole))
            break


def _hint(text: str, name: str, *, whole: bool) -> str:
    if name == "headers" and not whole:
        return f"a header is read by Jinja: {{{{ {text} }}}}"
    if name in ("body", "element") and not is_jinja(text):
        return f"write {text.replace(f'{name}.', '', 1)}; or @.{name} where a field of the answer is called so"
    if name == "token" and is_jinja(text):
        return f"the field itself is written {text.replace('token.', '', 1)}"
    return "write what a field of the answer is called"


def _texts(adapter: AdapterFile) -> Iterator[_Text]:
    for way, sign_in in adapter.auth.items():
        if sign_in.token is not None:
            at, token = ("auth", way, "token"), sign_in.token
            for name in ("value", "life", "base_url"):
                yield from _one(getattr(token, name), (*at, name), whole=True)
            for name, text in token.renews.items():
                yield from _one(text, (*at, "renews", name), whole=True)
    for path, _, operation in adapter.all_operations():
        yield from _of_answer(operation.answer, (*path, "answer"))
        for index, step in operation.sending:
            yield from _of_answer(step.answer, (*path, "steps", index, "answer"))
        for index, results in enumerate(operation.job.results if operation.job is not None else ()):
            yield from _of_answer(results.answer, (*path, "job", "results", index, "answer"))
    yield from _one(adapter.errors.code, ("errors", "code"), whole=True)
    yield from _one(adapter.errors.message, ("errors", "message"), whole=True)


def _of_answer(answer: Answer, path: Path) -> Iterator[_Text]:
    yield from _one(answer.ok, (*path, "ok"), whole=True)
    for name in ("results", "failures"):
        reader: Reader | None = getattr(answer, name)
        if reader is not None:
            yield from _one(reader.each, (*path, name, "each"), whole=True)
            for part in _OF_ELEMENT:
                yield from _one(getattr(reader, part), (*path, name, part), whole=False)
            for kept, text in reader.keep.items():
                yield from _one(text, (*path, name, "keep", kept), whole=False)


def _one(text: str | None, path: Path, *, whole: bool) -> Iterator[_Text]:
    if text is not None:
        yield _Text(path, text, whole)
