"""Does what a mapping makes fit the fields of its object: kind, null, length, format, options, bounds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC
from typing import Literal, NamedTuple

from syncflow.compiler.checks.keys import ID, heard_at_key
from syncflow.compiler.expressions import Emitted
from syncflow.compiler.expressions.constant_types import of_constant
from syncflow.compiler.languages.base import is_jinja
from syncflow.compiler.mapping.payloads import compile_field, taker
from syncflow.compiler.types.declared import SEPARATOR
from syncflow.compiler.types.fitting import fits, may_be_blank, may_choose_none, mended_by
from syncflow.compiler.types.formats import FORMATS, lies_within
from syncflow.compiler.types.json import (
    NEVER,
    TEXT,
    Array,
    Integer,
    Number,
    Text,
    Type,
    is_subtype,
    longest,
    may_be_null,
    members,
)
from syncflow.compiler.types.narrowing import restrict, without_null
from syncflow.compiler.types.words import describe
from syncflow.config.diagnostics import Diagnostic
from syncflow.config.documents import Document
from syncflow.config.models.mapping import (
    Constant,
    FieldForm,
    MappingFile,
    Recipe,
    Relation,
    expression_path,
    has_default,
)
from syncflow.config.models.schema import ObjectField
from syncflow.patterns import lazy_pattern

_Steps = tuple[str | int | None, ...]

_WRITTEN_DATE = lazy_pattern(r"format_date\((.+?), *'[^']*'(?:, *'[^']*')?\)")


class _Misfit(NamedTuple):
    code: str
    message: str
    hint: str = ""


def check_fit(
    document: Document[MappingFile],
    name: str,
    emitted: Emitted,
    field: ObjectField,
    *,
    as_text: bool,
    partial: bool,
    identity: frozenset[_Steps],
) -> Iterator[Diagnostic]:
    """Yield what may be wrong with the values that a mapping makes for one field; constants have a check of their own.

    ``identity`` are the paths by which a record is identified, which partial items hold as well.
    """
    form = document.model.fields[name]
    if isinstance(form, Constant) or field.read_only:
        return
    if document.model.keys == (name,):
        yield from heard_at_key(document, _key(document, name, emitted, field))
    left_out = partial and any(read.steps[0] == "item" and read.steps not in identity for read in emitted.reads)
    yield from _required(document, name, emitted, field, left_out=left_out)
    yield from _not_blank(document, name, emitted, field)
    yield from _of_another_kind(document, name, emitted, field)
    if not (isinstance(form, Recipe) and form.table is not None):
        yield from _values(document, name, emitted, field, as_text=as_text)


def _of_another_kind(
    document: Document[MappingFile], name: str, emitted: Emitted, field: ObjectField
) -> Iterator[Diagnostic]:
    """Yield text whose format is that of another kind of field: an e-mail address for a phone."""
    texts = [member for member in members(without_null(emitted.type)) if isinstance(member, Text)]
    formats = {member.format for member in texts if member.values is None}
    if field.type in _NEVER_HOLDS and formats and formats <= _NEVER_HOLDS[field.type]:
        yield document.report(
            "SF344",
            f"this is no {_WORDS[field.type]}, which `{name}` takes",
            *_path(document, name),
            severity="warning",
            found=describe(emitted.type),
            hint="map another value, or correct the type of the field in the object file",
        )


_NEVER_HOLDS: Mapping[str, frozenset[str | None]] = {
    "phone": frozenset({"email", "date", "date-time", "date-time-zoned", "time", "uri", "uuid", "hostname"}),
    "url": frozenset({"email", "date", "date-time", "date-time-zoned", "time", "uuid", "e164"}),
}
"""A type of field that takes any text → formats of text that is surely none."""
_WORDS = {"phone": "phone number", "url": "URL"}


def _path(document: Document[MappingFile], name: str) -> tuple[str, ...]:
    return expression_path(name, document.model.fields[name])


def _text(document: Document[MappingFile], name: str) -> str:
    form = document.model.fields[name]
    return form.source if isinstance(form, Recipe) else form if isinstance(form, str) else ""


def _key(document: Document[MappingFile], name: str, emitted: Emitted, field: ObjectField) -> Iterator[Diagnostic]:
    if not is_subtype(emitted.type, ID):
        yield document.report(
            "SF346",
            f"the key `{name}` may be empty or no key at all; such a record becomes a dead letter",
            *_path(document, name),
            severity="warning",
            expected="text of at least 1 character, or an integer",
            found=describe(emitted.type),
            hint="say `minLength: 1` in the schema, and require the property",
        )
    elif field.trim and may_be_blank(emitted.type):
        yield document.report(
            "SF346",
            f"the key `{name}` may be blank, which is no key there; such a record becomes a dead letter",
            *_path(document, name),
            severity="warning",
            expected="text that is not blank",
            found=describe(emitted.type),
            hint="say `pattern: '\\S'` in the schema",
        )


def _required(
    document: Document[MappingFile], name: str, emitted: Emitted, field: ObjectField, *, left_out: bool
) -> Iterator[Diagnostic]:
    no_choice = field.type == "options" and may_choose_none(emitted.type)
    if not field.required or not (left_out or may_be_null(emitted.type) or no_choice):
        return
    always = emitted.type != NEVER and without_null(emitted.type) == NEVER
    text = _text(document, name)
    hint = "insert a default" if is_jinja(text) else f"write {text} || " + ("[…]" if no_choice else "'…'")
    yield document.report(
        "SF341",
        f"`{name}` is required, and this may choose none of its options"
        if no_choice and not may_be_null(emitted.type)
        else f"`{name}` is required, and this {'is always' if always else 'may be'} null"
        if always or not left_out
        else f"`{name}` is required when a record is created, and a partial item may lack it",
        *_path(document, name),
        severity="error" if always else "warning",
        expected="a value for every record",
        found=describe(emitted.type),
        hint="" if left_out and not always else hint,
    )


def _not_blank(
    document: Document[MappingFile], name: str, emitted: Emitted, field: ObjectField
) -> Iterator[Diagnostic]:
    if not (field.required and field.trim and may_be_blank(emitted.type)) or document.model.keys == (name,):
        return
    text, said = _text(document, name), "say `pattern: '\\S'` in the schema"
    yield document.report(
        "SF349",
        f"`{name}` is required, and this may be blank, which is nothing there",
        *_path(document, name),
        severity="warning",
        expected="text that is not blank",
        found=describe(emitted.type),
        hint=said if is_jinja(text) else f"write trim({text}) || '…', or {said}",
    )


def _values(
    document: Document[MappingFile], name: str, emitted: Emitted, field: ObjectField, *, as_text: bool
) -> Iterator[Diagnostic]:
    kind, taken = without_null(emitted.type), without_null(mended_by(field))
    accepts = taker(compile_field(field, zone=UTC, as_text=as_text))
    misfits = [
        _misfit(name, member, field, _text(document, name))
        for member in members(kind)
        if not _is_default(member, document.model.fields[name])
        and not (field.type == "date-time" and is_subtype(member, taken))  # the check of payloads gives it a zone
        and not fits(member, field, as_text=as_text, accepts=accepts)
    ]
    is_key, is_relation = name in document.model.keys, isinstance(document.model.fields[name], Relation)
    never = kind != NEVER and restrict(kind, taken) == NEVER
    for misfit in dict.fromkeys(misfits):
        yield document.report(
            misfit.code,
            misfit.message.replace("may be", "is always", 1) if never else misfit.message,
            *_path(document, name),
            severity=_severity(misfit.code, never=never and not (as_text and misfit.code == "SF340")),
            expected=describe(taken),
            found=describe(emitted.type),
            hint=_for_key(misfit.hint) if is_key or (is_relation and misfit.code == "SF342") else misfit.hint,
        )


def _is_default(kind: Type, form: FieldForm) -> bool:
    """A default is a constant, and has a check of its own."""
    return isinstance(form, Recipe) and has_default(form) and kind == of_constant(form.default)


def _for_key(hint: str) -> str:
    """A key is not cut or looked up: two records would become one."""
    return "say" + hint.partition(", or say")[2] if ", or say" in hint else ""


def _severity(code: str, *, never: bool) -> Literal["error", "warning"]:
    return "error" if never and code in {"SF340", "SF343", "SF345"} else "warning"


def _misfit(name: str, kind: Type, field: ObjectField, text: str) -> _Misfit:
    taken = without_null(mended_by(field))
    if field.type == "options" and isinstance(kind, Text | Array):
        return _of_choice(name, kind, field, text)
    if isinstance(kind, Text) and isinstance(taken, Text):
        return _of_text(name, kind, taken, field, text)
    if isinstance(kind, Integer) and isinstance(taken, Integer | Number):
        return _Misfit("SF345", f"this may be outside the bounds of `{name}`", _clamped(field, text))
    is_digits = isinstance(kind, Text) and kind.format == "decimal" and field.type == "decimal"
    if is_digits or (isinstance(kind, Number) and isinstance(taken, Number)):
        return _Misfit("SF345", f"this may be outside the bounds of `{name}`", _clamped(field, text))
    return _Misfit("SF340", f"this may be of another kind than `{name}` takes", _converted(kind, field, text))


def _of_choice(name: str, kind: Text | Array, field: ObjectField, text: str) -> _Misfit:
    if isinstance(kind, Array) and not is_subtype(without_null(kind.items), TEXT):
        return _Misfit("SF340", f"this may hold values of another kind than `{name}` takes", "every option is text")
    separator = field.separator or SEPARATOR
    if field.options is not None and isinstance(kind, Text) and kind.joined and kind.joined[0] != separator:
        hint = f"write … | join('{separator}')" if is_jinja(text) else f"write join('{separator}', …)"
        return _Misfit("SF343", f"this is joined by another text than the options of `{name}`", hint)
    if field.options is not None:
        hint = "say which values there are in the schema (`enum:`), or look each of them up in a table"
        return _Misfit("SF343", f"this may be none of the options of `{name}`", hint)
    if isinstance(kind, Array) and field.separator is not None:
        hint = "say which values there are in the schema (`enum:`), or which options the field has"
        return _Misfit("SF343", f"one of these may have {field.separator} in it, which stands between options", hint)
    return _Misfit("SF342", f"this may be longer than `{name}` takes", f"say `maxLength: {field.length}` in the schema")


def _of_text(name: str, kind: Text, taken: Text, field: ObjectField, text: str) -> _Misfit:
    if field.options is not None:
        return _Misfit("SF343", f"this may be none of the options of `{name}`", _tabled(text))
    if kind.values is None and not lies_within(kind.format, taken.format):
        return _Misfit(
            "SF344",
            f"this may be no {FORMATS[taken.format or ''].words}, which `{name}` takes",
            _formatted(field, text),
        )
    most = longest(kind)
    if taken.max_length is not None and (most is None or most > taken.max_length):
        hint = f"say `maxLength: {taken.max_length}` in the schema; an id that is cut is another one"
        if taken.format is not None:
            hint = f"say `maxLength: {taken.max_length}` in the schema; text that is cut may be no {FORMATS[taken.format].words}"
        elif field.type != "reference":
            hint = _cut(taken.max_length, text)
        return _Misfit("SF342", f"this may be longer than `{name}` takes", hint)
    return _Misfit(
        "SF344", f"this may be no {FORMATS[taken.format or ''].words}, which `{name}` takes", _formatted(field, text)
    )


def _cut(most: int, text: str) -> str:
    if is_jinja(text):
        return f"cut what is inserted, as in {{{{ item.name | truncate({most}) }}}}, or say `maxLength` in the schema"
    return f"write truncate({text}, `{most}`), or say `maxLength: {most}` in the schema"


def _formatted(field: ObjectField, text: str) -> str:
    if is_jinja(text):
        return ""
    made = {"email": "normalize_email", "date": "date", "date-time": "datetime"}.get(field.type)
    as_it_is = _WRITTEN_DATE.fullmatch(text)
    if made in {"date", "datetime"} and as_it_is is not None:
        return f"the field takes a date as it is, and nothing reads what is written by a pattern: write {made}({as_it_is[1]})"
    if field.type in {"time", "uuid"}:
        return f"say `format: {field.type}` in the schema"
    return f"write {made}({text}), or say `format: {field.type}` in the schema" if made else ""


def _tabled(text: str) -> str:
    return f"write {{from: {text}, table: {{ours: theirs}}, default: theirs}}"


def _clamped(field: ObjectField, text: str) -> str:
    if is_jinja(text) or field.minimum is None or field.maximum is None:
        return "say `minimum` and `maximum` in the schema"
    return f"write clamp({text}, `{field.minimum:g}`, `{field.maximum:g}`), or say so in the schema"


def _converted(kind: Type, field: ObjectField, text: str) -> str:
    if isinstance(kind, Array) and field.type in {"text", "option", "phone", "url", "email", "reference"}:
        written = f"join(', ', {text})" if is_subtype(kind.items, TEXT) else f"to_string({text})"
        return f"write {written}; if the field takes several options, say `type: options` in the object file"
    if is_jinja(text):
        return "a template makes text; write the path itself as JMESPath" if field.type != "text" else ""
    made = {
        "integer": "to_integer",
        "number": "to_decimal",
        "decimal": "to_decimal",
        "boolean": "to_boolean",
        "text": "to_string",
    }.get(field.type)
    return f"write {made}({text})" if made else ""
