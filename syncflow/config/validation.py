"""Check a tree against a model.

In: a tree of nodes and a pydantic model. Out: the model, or a diagnostic per problem with the place of the key or value at fault.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from syncflow.config.diagnostics import Diagnostic
from syncflow.config.model_errors import TYPE_ERRORS, Problem, diagnose, scalar_value
from syncflow.config.nodes import MappingNode, Node, Path, SequenceNode
from syncflow.config.scalars import Unset

M = TypeVar("M", bound=BaseModel)


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
    for path in sorted({_wrong_part(problem) for problem in problems}, key=_in_order, reverse=True):
        _drop(data, path)
    try:
        return model.model_validate(data)
    except ValidationError:
        return None


def _in_order(path: Path) -> list[tuple[int, str]]:
    """From the last to the first, so that what is taken out of a list moves nothing that is still to be taken out."""
    return [(step, "") if isinstance(step, int) else (0, step) for step in path]


def _wrong_part(problem: Problem) -> Path:
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


def _diagnostics(problems: Sequence[Problem], model: type[BaseModel], node: Node) -> list[Diagnostic]:
    """A key that is missing because it is misspelt is one problem, not two."""
    found = [diagnose(group, model, node) for group in _grouped(problems)]
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
    return isinstance(scalar_value(node, path), Unset)


def _located(error: ErrorDetails, node: Node) -> Problem:
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
    return Problem(tuple(path), tagged, error)


def _grouped(problems: Sequence[Problem]) -> list[list[Problem]]:
    """Put the refusals of one value together, without those of a form that was plainly not meant."""
    groups: dict[tuple[Path, bool], list[Problem]] = {}
    for problem in problems:
        deeper = any(len(p.path) > len(problem.path) and p.path[: len(problem.path)] == problem.path for p in problems)
        if problem.tagged and deeper and problem.error["type"] in {*TYPE_ERRORS, "syncflow"}:
            continue
        if deeper and problem.error["type"] in _OF_THE_WHOLE:
            continue
        groups.setdefault((problem.path, "[key]" in problem.error["loc"]), []).append(problem)
    return [_without_type_errors(group) if len(group) > 1 else group for group in groups.values()]


_OF_THE_WHOLE = frozenset({"literal_error", "too_short"})
"""What pydantic says of a list whose entries are wrong: that it is no single value, or that too few of them are left."""


def _without_type_errors(group: list[Problem]) -> list[Problem]:
    """Where a value is near to one form, what the other forms would want is noise."""
    telling = [problem for problem in group if problem.error["type"] not in TYPE_ERRORS]
    return telling or group
