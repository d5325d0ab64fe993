"""What a model refuses, in plain words: from pydantic's errors to diagnostics.

No word of pydantic's own reaches a person.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from syncflow.config.diagnostics import Diagnostic, Replacement, Span, did_you_mean, one_of
from syncflow.config.model_keys import choices_at, hint_at, keys_at
from syncflow.config.models.receivers import is_secret_of_a_receiver
from syncflow.config.nodes import MappingNode, Node, Path, ScalarNode, dotted, find, is_nothing
from syncflow.config.quoting import without_password
from syncflow.config.scalars import SHAPES, TIMES, Plain
from syncflow.patterns import lazy_pattern

_SECRET_WORDS = lazy_pattern(r"auth|secret|token|password|credential|api_?key", re.IGNORECASE)
_MAX_SHOWN = 40

TYPE_ERRORS = {
    "model_type": "a mapping (`key: value` lines)",
    "model_attributes_type": "a mapping (`key: value` lines)",
    "dict_type": "a mapping (`key: value` lines)",
    "tuple_type": "a list",
    "list_type": "a list",
    "string_type": "text",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "int_parsing": "a whole number",  # these come of models of other packages, whose keys may be Python's own types
    "float_parsing": "a number",
    "bool_parsing": "true or false",
}


class Problem(NamedTuple):
    """One refusal of a model's, with the path in the file."""

    path: Path
    tagged: bool
    """Whether this is the refusal of one of several forms that the place allows."""
    error: ErrorDetails


def scalar_value(node: Node, path: Path) -> Any:
    """Return the scalar at a path; None where there is none."""
    found, _, steps = find(node, path)
    return found.value if steps == len(path) and isinstance(found, ScalarNode) else None


def diagnose(group: Sequence[Problem], model: type[BaseModel], root: Node) -> Diagnostic:
    """Return what a person is told about the refusals of one value."""
    path, _, error = group[0]
    kind = error["type"]
    if kind == "extra_forbidden":
        return _unknown_key(path, error, model, root)
    if kind == "missing":
        return _missing_key(path, choices_at(model, error["loc"]), root)
    node, key, _ = find(root, path)
    where = dotted(path)
    if "[key]" in error["loc"] and key is not None:
        return _wrong_key(key, error, where)
    words = _words(group, written=str(scalar_value(node, ())))
    span = key.span if is_nothing(scalar_value(root, path)) and key is not None else node.span
    return Diagnostic(
        words.code,
        span,
        words.message,
        expected=words.expected,
        found=words.found or (describe(node, secret=is_secret_place(path)) if words.code != "SF208" else ""),
        suggestion=_suggested(node, words.choices),
        hint=words.hint or _hint(kind, node) or _type_elsewhere(path, node, words.choices),
        path=where,
        replaced=_type_instead(node, _type_elsewhere(path, node, words.choices)),
    )


def _wrong_key(key: ScalarNode, error: ErrorDetails, where: str) -> Diagnostic:
    if error["type"] != "literal_error":
        message = f"`{key.value}` cannot be a name here"
        return Diagnostic("SF205", key.span, message, expected=_expected_shape(error), path=where)
    choices = _choices(error)
    close = did_you_mean(str(key.value), choices)
    message = f"unknown key `{key.value}`"
    return Diagnostic("SF201", key.span, message, expected=one_of(choices), suggestion=close, path=where)


def _choices(error: ErrorDetails) -> tuple[str, ...]:
    expected = str((error.get("ctx") or {})["expected"])
    return tuple(re.findall(r"'([^']*)'", expected)) or (expected,)


class _Words(NamedTuple):
    code: str
    message: str
    expected: str = ""
    hint: str = ""
    choices: tuple[str, ...] = ()
    found: str = ""


def _words(group: Sequence[Problem], *, written: str) -> _Words:
    """Choose the words for the refusals of one value, which is ``written`` so."""
    error = group[0].error
    context: Mapping[str, Any] = error.get("ctx") or {}
    name = _name(group[0].path)
    match error["type"]:
        case "syncflow":
            said = context
            words = _Words(said["code"], said["message"], said["expected"], said["hint"], found=said["found"])
        case "literal_error":
            choices = _choices(error)
            words = _Words("SF204", f"this is not a value of {name}", one_of(choices), choices=choices)
        case "string_pattern_mismatch":
            words = _Words("SF205", f"{name} is not written like this", _expected_shape(error))
        case "too_short" | "string_too_short":
            is_text = error["type"] == "string_too_short" or context.get("field_type") == "Value"
            expected = "at least one character" if is_text else "at least one entry"
            words = _Words("SF206", f"{name} must not be empty", expected)
        case kind if kind in TYPE_ERRORS:
            types = [TYPE_ERRORS[problem.error["type"]] for problem in group if problem.error["type"] in TYPE_ERRORS]
            expected = ", or ".join(dict.fromkeys(types))
            what = f"is not {expected.partition(' (')[0]}" if len(set(types)) == 1 else "fits none of its forms"
            words = _Words("SF203", f"{name} {what}", expected)
        case kind if kind in _BOUNDS:
            word, bound = _BOUNDS[kind]
            expected = f"{word} {_bound(context.get(bound, ''), written)}".strip()
            is_share = expected == "at most 1"  # of those alone that are written as 0.1 or 10%
            words = _Words("SF206", f"{name} is out of bounds", f"{expected}, which is 100%" if is_share else expected)
        case _:
            words = _incomplete(name, error["msg"].removeprefix("Value error, "))
    return words


def _incomplete(name: str, message: str) -> _Words:
    """A rule about a mapping as a whole speaks as ``expected …; found …``."""
    if not message.startswith("expected "):
        return _Words("SF208", message)
    expected, _, found = re.sub(r", found ", "; found ", message.removeprefix("expected ")).partition("; found ")
    return _Words("SF208", f"{name} is not complete", expected, found=found)


_BOUNDS = {
    "greater_than_equal": ("at least", "ge"),
    "greater_than": ("more than", "gt"),
    "less_than_equal": ("at most", "le"),
    "less_than": ("less than", "lt"),
    "finite_number": ("a finite number", ""),
}


def _bound(value: Any, written: str) -> str:
    """Return a bound in the unit of the value that is beyond it."""
    if not isinstance(value, int | float):
        return str(value)
    if written.endswith("%"):
        return f"{value * 100:g}%"
    if written.strip(" -+.0123456789") in TIMES:
        unit = next((unit for unit, seconds in reversed(TIMES.items()) if value and value % seconds == 0), "s")
        return f"{value / TIMES[unit]:g}{unit}"
    return f"{value:g}"


def _name(path: Path) -> str:
    last = next((step for step in reversed(path) if isinstance(step, str)), "")
    return (
        f"an entry of `{last}`" if path and isinstance(path[-1], int) and last else f"`{last}`" if last else "the file"
    )


def _expected_shape(error: ErrorDetails) -> str:
    return SHAPES[str((error.get("ctx") or {})["pattern"])]


def _unknown_key(path: Path, error: ErrorDetails, model: type[BaseModel], root: Node) -> Diagnostic:
    _, key, _ = find(root, path)
    assert key is not None
    known = keys_at(model, error["loc"][:-1])
    taken, _, _ = find(root, path[:-1])
    laid_over = isinstance(taken, MappingNode) and not _holds(taken, key)  # then a key that is there may be meant again
    free = [name for name in known if not isinstance(taken, MappingNode) or laid_over or name not in taken.entries]
    where = f" in `{dotted(path[:-1])}`" if len(path) > 1 else ""
    if isinstance(taken, MappingNode) and _is_behind_a_comma(taken, key):
        message = f"`{key.value}` is read as a key{where}: a comma between braces ends the value before it"
        return Diagnostic("SF201", key.span, message, hint="put the whole value in quotes", path=dotted(path))
    hint = hint_at(model, error["loc"][:-1], str(key.value))
    return Diagnostic(
        "SF201",
        key.span,
        f"unknown key `{key.value}`{where}",
        expected=one_of(known) if known else "no key",
        suggestion="" if hint else did_you_mean(str(key.value), free),
        hint=hint,
        path=dotted(path),
    )


def _is_behind_a_comma(node: MappingNode, key: ScalarNode) -> bool:
    """Whether a key is the rest of a value that holds a comma: ``{from: coalesce(item.a, item.b)}``. It has no colon of its own."""
    entry = node.entries.get(str(key.value))
    if entry is None or entry.key is not key or not is_nothing(entry.value.data()):
        return False
    before, behind = key.file.text[: key.start.index].rstrip(), key.file.text[key.end.index :].lstrip()
    return before.endswith(",") and behind[:1] in {",", "}"} and key.style == ""


def _holds(node: MappingNode, key: ScalarNode) -> bool:
    """Whether a key was written in its mapping, and not laid over it by a profile."""
    is_in_block = key.start.column == node.start.column
    return key.file is node.file and (is_in_block or node.start.index <= key.start.index <= node.end.index)


def _missing_key(path: Path, choices: Sequence[str], root: Node) -> Diagnostic:
    parent, key, _ = find(root, path[:-1])
    span = key.span if key is not None else _first_line(parent)
    where = f"`{dotted(path[:-1])}`" if len(path) > 1 else "the file"
    message, expected = f"{where} has no `{path[-1]}`", one_of(choices) if choices else ""
    close = _meant_sibling(path, root) if key is not None else ""
    return Diagnostic(
        "SF202",
        span,
        message,
        expected=expected,
        suggestion=close,
        hint="" if close else f"add `{path[-1]}: …`",
        path=dotted(path),
    )


def _meant_sibling(path: Path, root: Node) -> str:
    """Return the name beside that an incomplete entry of a profile was probably meant for: `sale` where `sales` is complete."""
    beside, _, _ = find(root, path[:-2])
    if not isinstance(beside, MappingNode) or len(path) < 2:
        return ""
    complete = [
        name
        for name, entry in beside.entries.items()
        if isinstance(entry.value, MappingNode)
        and str(path[-1]) in entry.value.entries
        and re.fullmatch(r"[A-Za-z][\w.-]*", name)
    ]
    close = did_you_mean(str(path[-2]), complete)
    return close if path[0] == "systems" else ""


def _first_line(node: Node) -> Span:
    if isinstance(node, MappingNode) and node.entries:
        return next(iter(node.entries.values())).key.span
    return node.span


def _suggested(node: Node, choices: Sequence[str]) -> str:
    return (
        did_you_mean(node.value, choices)
        if isinstance(node, ScalarNode) and isinstance(node.value, str) and choices
        else ""
    )


def _type_elsewhere(path: Path, node: Node, choices: Sequence[str]) -> str:
    """Say how the type of another language is written in a schema."""
    value = str(node.value).lower() if isinstance(node, ScalarNode) else ""
    if "type" not in path or "string" not in choices:
        return ""
    return f"write {_TYPES[value]}" if value in _TYPES and not _suggested(node, choices) else ""


def _type_instead(node: Node, hint: str) -> Replacement | None:
    """Return the type to write; with a word beside it only where both stand in one line in braces."""
    words, span = hint.partition("`type: ")[2].rstrip("`"), node.span
    in_braces = span.text is not None and "{" in span.text.line(span.line)[: span.column]
    return Replacement(span, words) if words and (in_braces or "," not in words) else None


_TYPES = {
    **dict.fromkeys(("text", "str", "varchar", "char", "html", "phone", "url"), "`type: string`"),
    **dict.fromkeys(("int", "long", "bigint", "smallint"), "`type: integer`"),
    **dict.fromkeys(("float", "double", "decimal", "numeric", "currency", "money"), "`type: number`"),
    "bool": "`type: boolean`",
    "date": "`type: string, format: date`",
    **dict.fromkeys(("datetime", "date-time", "timestamp"), "`type: string, format: date-time`"),
    "email": "`type: string, format: email`",
    "uuid": "`type: string, format: uuid`",
    **dict.fromkeys(("list", "tuple", "set"), "`type: array`"),
    **dict.fromkeys(("dict", "map", "json", "struct"), "`type: object`"),
    **dict.fromkeys(("enum", "picklist", "select", "option"), "`type: string, enum: [a, b]`"),
}


def _hint(kind: str, node: Node) -> str:
    value = node.value if isinstance(node, ScalarNode) else None
    if kind == "bool_type" and isinstance(value, Plain) and value.lower() in _SPOKEN:
        return f"write {_SPOKEN[value.lower()]}"
    if kind in {"int_type", "float_type", "bool_type"} and isinstance(value, str) and not isinstance(value, Plain):
        return "remove the quotes" if re.fullmatch(r"[-+0-9.]+|true|false", value) else ""
    return ""


_SPOKEN = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}


def is_secret_place(path: Path) -> bool:
    """Whether what stands there must not be shown."""
    if is_secret_of_a_receiver(path):
        return True
    return any(isinstance(step, str) and _SECRET_WORDS.search(step) for step in path)


def describe(node: Node, *, secret: bool = False) -> str:
    """Say what a node is, for the *found* line of a message."""
    if not isinstance(node, ScalarNode):
        return node.kind
    if is_nothing(node.value):
        return "nothing"
    if secret or any(name.startswith("file:") or _SECRET_WORDS.search(name) for name in node.variables):
        return "a value that is not shown"
    text = without_password(str(node.value))
    shown = text if len(text) <= _MAX_SHOWN else text[:_MAX_SHOWN] + "…"
    source = f" (from {', '.join(f'${{{name}}}' for name in node.variables)})" if node.variables else ""
    quoted = (
        shown.replace("\n", "\\n")
        if isinstance(node.value, Plain) or not isinstance(node.value, str)
        else f'the text "{shown}"'.replace("\n", "\\n")
    )
    return quoted + source
