"""A project's own functions: those of its Python module, read by their type hints, each behind a wall.

In: a project whose ``functions:`` names a module. Out: a ``Library`` that has them besides ours, and what is wrong with them. Every
public function that the module itself defines is one; ``@function(…)`` says what hints cannot.
"""

from __future__ import annotations

import copy
import inspect
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, NamedTuple, TypeVar, overload

from syncflow.compiler.functions import FUNCTIONS, JMESPATH_BUILT_INS, Function, Library, Parameter
from syncflow.compiler.functions.function import total
from syncflow.compiler.functions.hints import TAKEN, HintError, kind_of, type_of
from syncflow.compiler.functions.kinds import MISFIT, MOST_CHARACTERS
from syncflow.compiler.functions.unreadable import noting
from syncflow.compiler.types.json import Array, Object, Text, Type, accepts, members, union
from syncflow.compiler.types.words import describe
from syncflow.config.diagnostics import Diagnostic, FileText, Span, did_you_mean
from syncflow.config.files import is_file, names_in
from syncflow.config.own_code import OwnCodeError, files_of, load_module, source_of
from syncflow.config.project import Project
from syncflow.config.regular_files import read_regular
from syncflow.errors import DataError
from syncflow.events import Json
from syncflow.frozen import value_class

F = TypeVar("F", bound=Callable[..., Any])

GROUP = "own"
_MARK = "__syncflow_function__"


@value_class
class Promise:
    """What is said of a function besides its hints."""

    total: bool = False
    longest: int | None = None
    unreadable: bool = False


@overload
def function(body: F, /) -> F: ...
@overload
def function(*, total: bool = False, longest: int | None = None, unreadable: bool = False) -> Callable[[F], F]: ...
def function(
    body: F | None = None, /, *, total: bool = False, longest: int | None = None, unreadable: bool = False
) -> F | Callable[[F], F]:
    """Say of a function for expressions what its type hints cannot.

    ``total``: it never raises; without this its use in a field without ``default:`` is a warning. ``longest``: the most characters of
    a text that it returns (of each, where it returns several). ``unreadable``: it is a conversion, and None means that it cannot
    read the first argument: ``unreadable:`` of the mapping says what becomes of the field.
    """

    def mark(marked: F) -> F:
        setattr(marked, _MARK, Promise(total, longest, unreadable))
        return marked

    return mark if body is None else mark(body)


class Own(NamedTuple):
    """The functions of a project, and what is wrong with its own ones."""

    library: Library
    problems: tuple[Diagnostic, ...] = ()


def library_of(project: Project) -> Library:
    """Return the functions that the expressions of a project may call."""
    return own_functions(project).library


def own_functions(project: Project) -> Own:
    """Return the functions of a project, with what is wrong. The module is run once for each text it has."""
    name = project.routes.model.functions
    if name is None:
        return Own(FUNCTIONS)
    directory = project.path.parent
    own = _read(directory, name, _texts(directory, name))
    return Own(own.library, tuple(_placed(project, problem) for problem in own.problems))


def own_text(project: Project) -> str:
    """Return the text of a project's module of functions and of those that it imports from beside it.

    Empty where there is none, or where Python finds it elsewhere.
    """
    name = project.routes.model.functions
    return "" if name is None else "\0".join(_texts(project.path.parent, name))


def _texts(directory: Path, name: str) -> tuple[str, ...]:
    return tuple(_text(path) for path in files_of(directory, name))


def _placed(project: Project, problem: Diagnostic) -> Diagnostic:
    """A problem of no place in a file of Python is one of the line that names the module."""
    return problem if problem.span.line else replace(problem, span=project.routes.span("functions"), path="functions")


def _text(path: Path | None) -> str:
    try:
        return "" if path is None else read_regular(path).decode()
    except (OSError, UnicodeDecodeError):
        return ""


@lru_cache(maxsize=64)
def _read(directory: Path, name: str, texts: tuple[str, ...]) -> Own:
    path = source_of(directory, name)
    file = FileText((directory / name if path is None else path).as_posix(), texts[0] if texts else "")
    try:
        module = load_module(directory, name)
    except OwnCodeError as error:
        span = _line_span(file, error.line)
        hint = "a path relative to this file (functions.py), or a module that is installed"
        near = did_you_mean(name, [other for other in names_in(directory) if other.endswith(".py")])
        close = near if path is not None and not is_file(path) else ""
        hint, close = ("", "") if span.line else (hint, close)
        said = Diagnostic("SF350", span, f"{name} cannot be loaded: {error}", suggestion=close, hint=hint)
        return Own(FUNCTIONS, (said,))
    found: list[Function] = []
    problems: list[Diagnostic] = []
    for body in _public(module):
        try:
            found.append(_function(body, file.name))
        except HintError as error:
            problems.append(Diagnostic("SF351", _place(file, body), f"{body.__name__}(): {error}"))
    if not found and not problems:
        hint = "a function is `def name(text: str) -> str:`, with a name that does not begin with _"
        problems.append(Diagnostic("SF350", _line_span(file, 0), f"{name} has no functions", hint=hint))
    return Own(Library([*FUNCTIONS.values(), *found]), tuple(problems))


def _public(module: ModuleType) -> Iterator[FunctionType]:
    for name, value in vars(module).items():
        if isinstance(value, FunctionType) and not name.startswith("_") and value.__module__ == module.__name__:
            yield value


def _line_span(file: FileText, line: int) -> Span:
    text = file.line(line)
    indent = len(text) - len(text.lstrip())
    return Span(file.name, line, indent + 1 if line else 0, line, len(text) + 1 if line else 0, file)


def _place(file: FileText, body: FunctionType) -> Span:
    """Return where a function is defined: its ``def``, not its decorators."""
    first = body.__code__.co_firstlineno
    start = next((line for line in range(first, first + 50) if "def " in file.line(line)), first)
    return _line_span(file, start)


def _function(body: FunctionType, file: str) -> Function:
    """Read one function.

    Raises:
        HintError: expressions cannot call it; the text says why.
    """
    _check_name(body)
    promise: Promise = getattr(body, _MARK, Promise())
    hints = _hints(body)
    signature = inspect.signature(body)
    parameters = tuple(_parameter(parameter, hints) for parameter in signature.parameters.values())
    variadic = any(parameter.kind is parameter.VAR_POSITIONAL for parameter in signature.parameters.values())
    if "return" not in hints:
        raise HintError("what it returns has no type: write `-> str:`, say")
    returns = _bounded(type_of(hints["return"]), promise.longest)
    call = total(_walled(body, returns, file), parameters, variadic=variadic)
    if promise.unreadable and parameters:
        call = noting(body.__name__, call)
    summary = (inspect.getdoc(body) or "").partition("\n\n")[0].replace("\n", " ") or "A function of the project."
    return Function(
        name=body.__name__,
        group=GROUP,
        summary=summary,
        parameters=parameters,
        returns=returns,
        examples=(),
        body=call,
        call=call,
        variadic=variadic,
        deterministic=False,
        may_fail=not promise.total,
        unreadable=promise.unreadable,
    )


def _check_name(body: FunctionType) -> None:
    name = body.__name__
    if name in FUNCTIONS or name in JMESPATH_BUILT_INS:
        raise HintError("there is a function of this name already; choose another")
    if not name.isascii():
        raise HintError("expressions know names of the letters A to Z only")
    if inspect.iscoroutinefunction(body) or inspect.isgeneratorfunction(body) or inspect.isasyncgenfunction(body):
        raise HintError("expressions call plain functions only: no async, no yield")


def _hints(body: FunctionType) -> Mapping[str, Any]:
    try:
        return typing.get_type_hints(body)
    except (NameError, TypeError, AttributeError) as error:
        raise HintError(f"its type hints cannot be read: {error}") from None


def _parameter(parameter: inspect.Parameter, hints: Mapping[str, Any]) -> Parameter:
    name = parameter.name
    if parameter.kind in {parameter.KEYWORD_ONLY, parameter.VAR_KEYWORD}:
        raise HintError(f"`{name}` is given by name, and expressions give arguments by place only")
    if name not in hints:
        raise HintError(f"`{name}` has no type: write `{name}: str`, or another of {TAKEN}")
    try:
        kind = kind_of(hints[name])
    except HintError as error:
        raise HintError(f"`{name}`: {error}") from None
    if parameter.kind is parameter.VAR_POSITIONAL:
        return Parameter(name, kind, optional=True)
    if parameter.default is parameter.empty:
        return Parameter(name, kind)
    if parameter.default is not None and kind.read(parameter.default) is MISFIT:
        raise HintError(f"the default of `{name}` is not {kind.name}")
    return Parameter(name, kind, optional=True, default=parameter.default)


def _bounded(kind: Type, longest: int | None) -> Type:
    """Return a type whose texts are bounded: by what is declared, else by what holds for all functions."""
    most = MOST_CHARACTERS if longest is None else longest
    return union(*(_bounded_member(member, most) for member in members(kind)))


def _bounded_member(kind: Type, most: int) -> Type:
    if isinstance(kind, Text) and kind.values is None:
        return replace(kind, max_length=most)
    if isinstance(kind, Array):
        return replace(kind, items=_bounded(kind.items, most))
    if isinstance(kind, Object):
        return replace(kind, rest=_bounded(kind.rest, most))
    return kind


def _walled(body: FunctionType, returns: Type, file: str) -> Callable[..., Json]:
    """Return a function that cannot change what it is given, and that fails in one way only: with a DataError of no data."""
    name = body.__name__

    def call(*arguments: Json) -> Json:
        own = [copy.deepcopy(value) if isinstance(value, list | dict) else value for value in arguments]
        try:
            result: Json = body(*own)
        except Exception as error:  # noqa: BLE001  # the project's own code may raise whatever it likes
            where = _where(error, body)
            raise DataError(f"{name}() failed ({type(error).__name__})", hint=f"see {file}:{where}") from None
        if not accepts(returns, result):
            raise DataError(f"{name}() returned {_said(result)}, and its hint says {describe(returns)}")
        return result

    return call


def _where(error: Exception, body: FunctionType) -> int:
    """Return the last line of the function's file that led to an error."""
    line, step = body.__code__.co_firstlineno, error.__traceback__
    while step is not None:
        if step.tb_frame.f_code.co_filename == body.__code__.co_filename:
            line = step.tb_lineno
        step = step.tb_next
    return line


def _said(value: object) -> str:
    """Name the kind of a result, never its text."""
    if isinstance(value, str):
        return f"text of {len(value)} characters"
    kinds = {bool: "true or false", int: "a whole number", float: "a number", list: "a list", dict: "an object"}
    return "null" if value is None else kinds.get(type(value), f"a Python {type(value).__name__}")
