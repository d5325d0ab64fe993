"""Is every call possible: does the function exist, is the number of arguments right, is a reference where one belongs."""

from __future__ import annotations

from collections.abc import Mapping

from syncflow.compiler.expressions.built_ins import BUILT_INS
from syncflow.compiler.expressions.nodes import Call, Constant, Node, Reference
from syncflow.compiler.functions import Function
from syncflow.compiler.languages.base import ExpressionError, check_constant, unknown_name, wrong_count


def check_calls(root: Node, functions: Mapping[str, Function]) -> None:
    """Refuse calls that can never work, regardless of the record. JMESPath's own functions go before ours of the same name.

    Raises:
        ExpressionError: with the place of the call.
    """
    waiting: list[tuple[Node, bool]] = [(root, False)]
    while waiting:
        node, is_argument = waiting.pop()
        if isinstance(node, Reference) and not is_argument:
            raise ExpressionError("a reference (&) can only be an argument of a function", node.offset)
        if isinstance(node, Call):
            _check_call(node, functions)
        waiting.extend((child, isinstance(node, Call)) for child in reversed(node.children))


def _check_call(node: Call, functions: Mapping[str, Function]) -> None:
    built_in = BUILT_INS.get(node.name)
    if built_in is not None:
        fewest, most = len(built_in.parameters), None if built_in.variadic else len(built_in.parameters)
    elif node.name in functions:
        fewest, most = functions[node.name].fewest, functions[node.name].most
    else:
        raise unknown_name("function", node.name, [*BUILT_INS, *functions], node.offset)
    if len(node.arguments) < fewest or (most is not None and len(node.arguments) > most):
        raise wrong_count(f"{node.name}()", fewest, most, len(node.arguments), node.offset)
    for position, argument in enumerate(node.arguments):
        wanted = built_in is not None and built_in.parameter(position) is None
        if isinstance(argument, Reference) != wanted:
            raise _wrong_reference(node, position, wanted=wanted)
        if built_in is None and isinstance(argument, Constant):
            parameter = functions[node.name].parameter(position)
            check_constant(node.name, parameter, argument.value, argument.offset, argument.length)


def _wrong_reference(node: Call, position: int, *, wanted: bool) -> ExpressionError:
    expected = "an expression reference such as &name" if wanted else "a value, not a reference (&)"
    argument = node.arguments[position]
    message = f"argument {position + 1} of {node.name}() must be {expected}"
    return ExpressionError(message, argument.offset, length=argument.length)
