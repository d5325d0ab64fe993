"""The other implementation of templates: Jinja's own, sandboxed, strict and bounded in cost.

Where we differ on purpose: the sandbox charges every text that a filter makes, and a list in round brackets is a tuple to it. Here as
there, a list or an object takes no value that is not there (Jinja fails where such a value is looked at), and filters of Jinja's that give
many values give them in a list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache, wraps
from typing import Any

from jinja2 import nodes
from jinja2.exceptions import TemplateError, UndefinedError
from jinja2.runtime import Context, LoopContext, StrictUndefined, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import pass_context

from syncflow.compiler.expressions.jinja import library
from syncflow.compiler.expressions.jinja.allowed import may_be_called, parse_template
from syncflow.compiler.expressions.jinja.faults import plain
from syncflow.compiler.expressions.nodes import OPERATORS
from syncflow.compiler.functions import Function, Library
from syncflow.compiler.languages.base import MAX_WORK, ExpressionError, inserted_text
from syncflow.errors import DataError

WORK = "work of this rendering"
"""Where the context keeps it: no template can write a name with blanks."""

ROUNDS = "rounds of a loop"
JOINED = "joined parts"
CALLED = "call of "
NEEDED = "element that is there"
"""Filters that the compiler puts in; a template cannot name them either."""

_MOST_RANGE = 10_000
_LARGEST = 10**30
"""Numbers beyond it are not calculated with."""

_LOOP_NAMES = frozenset(
    {"index", "index0", "revindex", "revindex0", "first", "last", "length", "depth", "depth0", "previtem", "nextitem"}
)


class Work:
    """What one rendering may still cost, and how its inserts are escaped."""

    __slots__ = ("escape", "left")

    def __init__(self, escape: Callable[[str], str] | None) -> None:
        self.left = MAX_WORK
        self.escape = escape

    def charge(self, amount: int) -> None:
        self.left -= amount
        if self.left < 0:
            raise DataError(f"the template writes or repeats more than {MAX_WORK:,} characters and rounds")


class Environment(ImmutableSandboxedEnvironment):
    """Reads keys of objects and items of arrays, nothing else: no attribute of a Python value can be reached."""

    intercepted_binops = frozenset({"+", "-", "*", "/", "//", "%"})

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, Mapping):
            return obj[attribute] if attribute in obj else self.undefined(name=attribute)
        if isinstance(obj, LoopContext) and attribute in _LOOP_NAMES:
            return getattr(obj, attribute)
        return obj if isinstance(obj, Undefined) and str(obj) else self.undefined(name=attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        try:
            if isinstance(obj, Mapping | list | tuple | str):
                return obj[argument]
        except (LookupError, TypeError):
            pass
        return obj if isinstance(obj, Undefined) and str(obj) else self.undefined(name="entry")

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        if operator == "+" and type(left) is type(right) and isinstance(left, str | list):
            context[WORK].charge(len(left) + len(right))
            return left + right
        numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in (left, right))
        if not numbers or max(abs(left), abs(right)) > _LARGEST:
            _fail_if_absent(left, right)
            raise DataError(f"{operator} works on numbers (and + on two texts or two lists)")
        return super().call_binop(context, operator, left, right)


def _fail_if_absent(*values: Any) -> None:
    for value in values:
        if isinstance(value, Undefined):
            str(value)  # a strict undefined raises, naming what is absent


@pass_context
def _finalize(context: Context, value: Any) -> str:
    """Turn an insert's value into text; charged, and escaped where the template asks for it."""
    if isinstance(value, list | tuple | dict):
        raise DataError("a list or an object cannot be inserted as text; use join or to_json")
    work: Work = context[WORK]
    text = inserted_text(value)
    work.charge(len(text))
    return work.escape(text) if work.escape else text


@pass_context
def _rounds(context: Context, values: Iterable[Any], weight: int) -> Iterable[Any]:
    work: Work = context[WORK]
    if isinstance(values, Undefined):
        str(values)
    if not isinstance(values, Iterable):
        raise DataError("for needs a list, an object or text to go through")
    for value in values:
        work.charge(weight)
        yield value


@pass_context
def _joined(context: Context, *values: Any) -> str:
    return "".join(_finalize_part(context, value) for value in values)


def _finalize_part(context: Context, value: Any) -> str:
    _fail_if_absent(value)
    if isinstance(value, list | tuple | dict):
        raise DataError("~ joins texts and numbers")
    text = inserted_text(value)
    context[WORK].charge(len(text))
    return text


def _there(value: Any) -> Any:
    _fail_if_absent(value)
    return value


def _range(*bounds: int) -> range:
    if not all(isinstance(bound, int) for bound in bounds) or not 1 <= len(bounds) <= 3 or (bounds[2:] == (0,)):
        raise DataError("range takes one to three integers, the step not 0")
    numbers = range(*bounds)
    if len(numbers) > _MOST_RANGE:
        raise DataError(f"range gives at most {_MOST_RANGE:,} numbers")
    return numbers


def _measure(value: Any) -> int:
    """Count the parts of a value, up to a little over what is allowed."""
    waiting, count = [value], 0
    while waiting and count <= MAX_WORK:
        part = waiting.pop()
        count += len(part) if isinstance(part, str) else 1
        if isinstance(part, dict):
            waiting.extend(part.values())
        elif isinstance(part, list | tuple):
            waiting.extend(part)
    return count


def _charged(function: Function) -> Callable[..., Any]:
    """Wrap one of our functions as a filter: absent is null to what takes it and else fails, lists and results are charged."""
    call = function.call

    @pass_context
    def filtered(context: Context, *given: Any) -> Any:
        values = [
            None if isinstance(value, Undefined) and function.takes_null(position) else value
            for position, value in enumerate(given)
        ]
        _fail_if_absent(*values)
        work: Work = context[WORK]
        plain = [list(value) if isinstance(value, tuple | range | Iterator) else value for value in values]
        for value in plain:
            if isinstance(value, list | dict):
                work.charge(_measure(value))
        result = call(*plain)
        if isinstance(result, str | list | dict):
            work.charge(len(result))
        return result

    return filtered


def _called(function: Function) -> Callable[..., Any]:
    """Wrap a function that is called by name as a filter of nothing, whose name no template can give another meaning."""
    charged = _charged(function)

    @pass_context
    def called(context: Context, _: Any, *given: Any) -> Any:
        return charged(context, *given)

    return called


@pass_context
def _join(context: Context, values: Any, separator: Any = "") -> str:
    """Join the texts and numbers of a list; the separator counts as often as it is written."""
    work: Work = context[WORK]
    _fail_if_absent(values, separator)
    if not isinstance(values, Iterable) or isinstance(values, Mapping):
        raise DataError("join needs a list")
    parts: list[str] = []
    for value in values:
        work.charge(len(str(separator)))
        parts.append(_finalize_part(context, value))
    return str(separator).join(parts)


def _listed(call: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap one of Jinja's own filters: what gives one value after the other gives all of them in a list."""

    @wraps(call)
    def filtered(*given: Any, **named: Any) -> Any:
        found = call(*given, **named)
        return list(found) if isinstance(found, Iterator) else found

    return filtered


def open_environment(functions: Mapping[str, Function]) -> Environment:
    """Return an environment with ``functions`` as filters and the harmless of Jinja's own: the same for all templates of one library."""
    return _environment_of_library(functions) if isinstance(functions, Library) else _environment_of(functions)


@lru_cache(maxsize=8)
def _environment_of_library(library: Library) -> Environment:
    return _environment_of(library)


def _environment_of(functions: Mapping[str, Function]) -> Environment:
    environment = Environment(
        undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True, finalize=_finalize
    )
    environment.globals = {"range": _range}
    environment.filters = {name: _listed(call) for name, call in environment.filters.items() if name in library.FILTERS}
    for name, function in functions.items():
        environment.filters[name] = _charged(function)
        if may_be_called(function):
            environment.filters[CALLED + name] = _called(function)
    environment.filters |= {"join": _join, "string": _joined, ROUNDS: _rounds, JOINED: _joined, NEEDED: _there}
    environment.tests = {name: call for name, call in environment.tests.items() if name in library.TESTS}
    return environment


def compile_inserts(
    text: str, functions: Mapping[str, Function]
) -> Callable[[Mapping[str, Any], Callable[[str], str] | None], str]:
    """Return the renderer of a template: (root, escape of inserts) → text.

    Raises:
        ExpressionError: the text is not Jinja, or uses what is not allowed here.
    """
    environment = open_environment(functions)
    tree = parse_template(text, library.open_environment(functions), functions, OPERATORS)
    _bound(tree)
    template = _assemble(environment, tree)

    def render(root: Mapping[str, Any], escape: Callable[[str], str] | None) -> str:
        try:
            return template.render({**root, WORK: Work(escape)})  # type: ignore[no-any-return]
        except UndefinedError as error:
            raise DataError(str(error.message).replace("' is undefined", "' is not there")) from None
        except (
            TemplateError,
            ValueError,
            TypeError,
            ArithmeticError,
            LookupError,
            AttributeError,
            RecursionError,
        ) as error:
            raise DataError(f"the template cannot be rendered ({type(error).__name__})") from None

    return render


def _assemble(environment: Environment, tree: nodes.Template) -> Any:
    try:
        return environment.from_string(tree)
    except (TemplateError, SyntaxError) as error:
        raise ExpressionError(plain(str(error))) from None
    except (RecursionError, MemoryError):
        raise ExpressionError("too deep") from None


def _walk(tree: nodes.Node) -> Iterator[nodes.Node]:
    yield tree
    for child in tree.iter_child_nodes():
        yield from _walk(child)


def _bound(tree: nodes.Template) -> None:
    """Make every loop charge its rounds (and the plain text they write), every ~ what it joins, and every call a filter."""
    for node in reversed(list(_walk(tree))):  # what is inside first: a ~ may hold another
        for name, value in node.iter_fields():
            if isinstance(value, nodes.Expr):
                setattr(node, name, _bounded(value))
            elif isinstance(value, list):
                value[:] = [_bounded(part) if isinstance(part, nodes.Expr) else part for part in value]
        if isinstance(node, nodes.For):
            weight = 1 + sum(len(part.data) for part in node.find_all(nodes.TemplateData))
            node.iter = _filter(node.iter, ROUNDS, [nodes.Const(weight)])


def _bounded(node: nodes.Expr) -> nodes.Expr:
    if isinstance(node, nodes.Concat):
        first, *rest = node.nodes
        return _filter(first, JOINED, rest)
    if isinstance(node, nodes.List | nodes.Tuple) and getattr(node, "ctx", "load") == "load":
        node.items = [_needed(item) for item in node.items]
        return node
    if isinstance(node, nodes.Dict):
        for pair in node.items:
            pair.key, pair.value = _needed(pair.key), _needed(pair.value)
        return node
    if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name) and node.node.name != "range":
        return _filter(nodes.Const(None, lineno=node.lineno), CALLED + node.node.name, node.args)
    return node


def _needed(node: nodes.Expr) -> nodes.Expr:
    return node if isinstance(node, nodes.Const) else _filter(node, NEEDED, [])


def _filter(value: Any, name: str, arguments: Sequence[nodes.Expr]) -> nodes.Filter:
    return nodes.Filter(value, name, list(arguments), [], None, None, lineno=value.lineno)
