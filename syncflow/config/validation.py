"""Check a tree against a model, and say in plain words what does not fit.

In: a tree of nodes and a pydantic model. Out: the model, or a diagnostic per problem with the place of the key or value at fault.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from syncflow.config.diagnostics import Diagnostic, Span, did_you_mean, one_of
from syncflow.config.model_keys import keys_at
from syncflow.config.nodes import MappingNode, Node, Path, ScalarNode, SequenceNode, dotted, find, is_nothing
from syncflow.config.scalars import Plain, Unset

M = TypeVar("M", bound=BaseModel)

_SECRET_WORDS = re.compile(r"auth|secret|token|password|credential|api_?key", re.IGNORECASE)
_MAX_SHOWN = 40

_TYPES = {
    "model_type": "a mapping (`key: value` lines)",
    "model_attributes_type": "a mapping (`key: value` lines)",
    "dict_type": "a mapping (`key: value` lines)",
    "tuple_type": "a list",
    "list_type": "a list",
    "string_type": "text",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
}


class _Problem(NamedTuple):
    path: Path
    tagged: bool
    """Whether this is the refusal of one of several forms that the place allows."""
    error: ErrorDetails


def read_model(model: type[M], node: Node) -> tuple[M | None, list[Diagnostic]]:
    """Return the model that the tree describes, or every problem that keeps it from being one."""
    data = node.data()
    try:
        return model.model_validate(data), []
    except ValidationError as error:
        problems = [_located(details, node) for details in error.errors(include_url=False, include_input=False)]
    unset = [p.path for p in problems if p.error["type"] != "extra_forbidden" and _is_unset(node, p.path)]
    if unset:
        return _read_without(model, node, data, unset)
    return None, _diagnostics(problems, model, node)


def salvaged_model(model: type[M], node: Node) -> M | None:
    """Return what the tree describes without its parts that are wrong; None where too little is left."""
    data = node.data()
    try:
        return model.model_validate(data)
    except ValidationError as error:
        problems = [_located(details, node) for details in error.errors(include_url=False, include_input=False)]
    for path in sorted(
        {_wrong_part(problem) for problem in problems}, reverse=True, key=lambda path: [str(s) for s in path]
    ):
        _drop(data, path)
    try:
        return model.model_validate(data)
    except ValidationError:
        return None


def _wrong_part(problem: _Problem) -> Path:
    """A mapping that lacks a key is wrong as a whole."""
    return problem.path[:-1] if problem.error["type"] == "missing" else problem.path


def _read_without(model: type[M], node: Node, data: Any, unset: Sequence[Path]) -> tuple[M | None, list[Diagnostic]]:
    """A placeholder whose place takes no placeholder is left out, so that the default stands in for it."""
    for path in unset:
        _drop(data, path)
    try:
        return model.model_validate(data), []
    except ValidationError as error:
        problems = [_located(details, node) for details in error.errors(include_url=False, include_input=False)]
    return None, _diagnostics(problems, model, node)


def _diagnostics(problems: Sequence[_Problem], model: type[BaseModel], node: Node) -> list[Diagnostic]:
    """A key that is missing because it is misspelt is one problem, not two."""
    found = [_diagnose(group, model, node) for group in _grouped(problems)]
    meant = {_beside(each.path, each.suggestion) for each in found if each.code == "SF201" and each.suggestion}
    return [each for each in found if each.code != "SF202" or each.path not in meant]


def _beside(path: str, name: str) -> str:
    parent, dot, _ = path.rpartition(".")
    return f"{parent}{dot}{name}"


def _drop(data: Any, path: Path) -> None:
    for step in path[:-1]:
        data = data[int(step)] if isinstance(data, list) else data.get(step, {})
    if isinstance(data, dict) and path:
        data.pop(path[-1], None)
    elif isinstance(data, list):
        del data[int(path[-1])]


def _is_unset(node: Node, path: Path) -> bool:
    return isinstance(_value(node, path), Unset)


def _value(node: Node, path: Path) -> Any:
    found, _, steps = find(node, path)
    return found.value if steps == len(path) and isinstance(found, ScalarNode) else None


def _located(error: ErrorDetails, node: Node) -> _Problem:
    """Turn pydantic's location, which names the members of unions too, into a path of the file."""
    path: list[str | int] = []
    tagged = False
    for number, step in enumerate(error["loc"]):
        last = number == len(error["loc"]) - 1
        if isinstance(step, str) and step.startswith("="):
            continue
        if isinstance(node, MappingNode) and str(step) in node.entries:
            node = node.entries[str(step)].value
            path.append(str(step))
        elif isinstance(node, SequenceNode) and isinstance(step, int) and step < len(node.items):
            node = node.items[step]
            path.append(step)
        elif last and error["type"] == "missing":
            path.append(step)
        elif step != "[key]":
            tagged = True
    return _Problem(tuple(path), tagged, error)


def _grouped(problems: Sequence[_Problem]) -> list[list[_Problem]]:
    """Put the refusals of one value together, without those of a form that was plainly not meant."""
    groups: dict[tuple[Path, bool], list[_Problem]] = {}
    for problem in problems:
        deeper = any(len(p.path) > len(problem.path) and p.path[: len(problem.path)] == problem.path for p in problems)
        if problem.tagged and deeper and problem.error["type"] in {*_TYPES, "syncflow"}:
            continue
        groups.setdefault((problem.path, "[key]" in problem.error["loc"]), []).append(problem)
    return [_without_type_errors(group) if len(group) > 1 else group for group in groups.values()]


def _without_type_errors(group: list[_Problem]) -> list[_Problem]:
    """Where a value is near to one form, what the other forms would want is noise."""
    telling = [problem for problem in group if problem.error["type"] not in _TYPES]
    return telling or group


def _diagnose(group: Sequence[_Problem], model: type[BaseModel], root: Node) -> Diagnostic:
    path, _, error = group[0]
    kind = error["type"]
    if kind == "extra_forbidden":
        return _unknown_key(path, error, model, root)
    if kind == "missing":
        return _missing_key(path, root)
    node, key, _ = find(root, path)
    where = dotted(path)
    if "[key]" in error["loc"] and key is not None:
        return _wrong_key(key, error, where)
    words = _words(group)
    span = key.span if is_nothing(_value(root, path)) and key is not None else node.span
    return Diagnostic(
        words.code,
        span,
        words.message,
        expected=words.expected,
        found=words.found or (describe(node, secret=is_secret_place(path)) if words.code != "SF208" else ""),
        suggestion=_suggested(node, words.choices),
        hint=words.hint or _hint(kind, node),
        path=where,
    )


def _wrong_key(key: ScalarNode, error: ErrorDetails, where: str) -> Diagnostic:
    if error["type"] != "literal_error":
        message = f"`{key.value}` cannot be a name here"
        return Diagnostic("SF205", key.span, message, expected=_expected_name(error), path=where)
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


def _words(group: Sequence[_Problem]) -> _Words:
    """Choose the words for the refusals of one value."""
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
            words = _Words("SF205", f"{name} is not written like this", _expected_name(error))
        case "too_short" | "string_too_short":
            words = _Words("SF206", f"{name} must not be empty", "at least one character")
        case kind if kind in _TYPES:
            types = [_TYPES[problem.error["type"]] for problem in group if problem.error["type"] in _TYPES]
            expected = ", or ".join(dict.fromkeys(types))
            what = f"is not {expected.partition(' (')[0]}" if len(set(types)) == 1 else "fits none of its forms"
            words = _Words("SF203", f"{name} {what}", expected)
        case kind if kind in _BOUNDS:
            word, bound = _BOUNDS[kind]
            words = _Words("SF206", f"{name} is out of bounds", f"{word} {_number(context.get(bound, ''))}".strip())
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


def _number(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _name(path: Path) -> str:
    last = next((step for step in reversed(path) if isinstance(step, str)), "")
    return (
        f"an entry of `{last}`" if path and isinstance(path[-1], int) and last else f"`{last}`" if last else "the file"
    )


def _expected_name(error: ErrorDetails) -> str:
    pattern = str((error.get("ctx") or {}).get("pattern", ""))
    for part, words in _PATTERNS.items():
        if part in pattern:
            return words
    return "a name: letters, digits, `_`, `.` and `-`, beginning with a letter"


_PATTERNS = {
    "[^/": "adapter/Object, such as crm/Contact",
    "%": "a number, or a percentage such as 5%",
}


def _unknown_key(path: Path, error: ErrorDetails, model: type[BaseModel], root: Node) -> Diagnostic:
    _, key, _ = find(root, path)
    assert key is not None
    known = keys_at(model, error["loc"][:-1])
    taken, _, _ = find(root, path[:-1])
    free = [name for name in known if not isinstance(taken, MappingNode) or name not in taken.entries]
    where = f" in `{dotted(path[:-1])}`" if len(path) > 1 else ""
    return Diagnostic(
        "SF201",
        key.span,
        f"unknown key `{key.value}`{where}",
        expected=one_of(known) if known else "no key",
        suggestion=did_you_mean(str(key.value), free),
        path=dotted(path),
    )


def _missing_key(path: Path, root: Node) -> Diagnostic:
    parent, key, _ = find(root, path[:-1])
    span = key.span if key is not None else _first_line(parent)
    where = f"`{dotted(path[:-1])}`" if len(path) > 1 else "the file"
    return Diagnostic("SF202", span, f"{where} has no `{path[-1]}`", hint=f"add `{path[-1]}: …`", path=dotted(path))


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
    return any(isinstance(step, str) and _SECRET_WORDS.search(step) for step in path)


def describe(node: Node, *, secret: bool = False) -> str:
    """Say what a node is, for the *found* line of a message."""
    if not isinstance(node, ScalarNode):
        return node.kind
    if is_nothing(node.value):
        return "nothing"
    if secret or any(name.startswith("file:") or _SECRET_WORDS.search(name) for name in node.variables):
        return "a value that is not shown"
    text = str(node.value)
    shown = text if len(text) <= _MAX_SHOWN else text[:_MAX_SHOWN] + "…"
    source = f" (from {', '.join(f'${{{name}}}' for name in node.variables)})" if node.variables else ""
    quoted = (
        shown.replace("\n", "\\n")
        if isinstance(node.value, Plain) or not isinstance(node.value, str)
        else f'the text "{shown}"'.replace("\n", "\\n")
    )
    return quoted + source
