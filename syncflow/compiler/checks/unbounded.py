"""Text without any bound in a mapping: one warning for all the fields that it may not fit into, at the mapping's `fields:`.

A schema that says no lengths is one cause, however many fields it reaches. A bound that is too large is told of each field, as is a
single field.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from syncflow.compiler.types.json import Text, Type, members
from syncflow.config.diagnostics import Diagnostic, is_allowed
from syncflow.config.documents import Document
from syncflow.config.models.mapping import MappingFile

_MOST_NAMED = 12
TOO_LONG = "SF342"


def is_unbounded(kind: Type) -> bool:
    """Whether a value may be text of any length."""
    return any(
        isinstance(member, Text) and member.values is None and member.max_length is None for member in members(kind)
    )


def told_once(
    document: Document[MappingFile], found: Mapping[str, Sequence[Diagnostic]], lengths: Mapping[str, int | None]
) -> Iterator[Diagnostic]:
    """Yield the warnings of fields that unbounded text may not fit into: one for all, where several are not allowed by a comment."""
    warned = {name: told for name, told in found.items() if not all(map(is_allowed, told))}
    if not warned or is_allowed(of_all := _of_all(document, list(warned), lengths)):
        return
    if len(warned) == 1:
        yield from next(iter(warned.values()))
    else:
        yield of_all


def _of_all(document: Document[MappingFile], names: Sequence[str], lengths: Mapping[str, int | None]) -> Diagnostic:
    most = lengths[names[0]]
    return document.report(
        TOO_LONG,
        f"{len(names)} fields may be longer than {document.model.target} takes: {_named(names, lengths)}",
        "fields",
        at_key=True,
        severity="warning",
        expected="text of a known length",
        found="text of any length",
        hint=f"say `maxLength` in the schema (`{names[0]}` takes {most}), or cut it in the mapping: truncate(…, `{most}`); "
        f"to let longer ones be dead letters, write `# syncflow: allow={TOO_LONG}` in this line",
    )


def _named(names: Iterable[str], lengths: Mapping[str, int | None]) -> str:
    words = [f"{name} ({lengths[name]})" for name in names]
    rest = f" … ({len(words) - _MOST_NAMED} more)" if len(words) > _MOST_NAMED else ""
    return ", ".join(words[:_MOST_NAMED]) + rest
