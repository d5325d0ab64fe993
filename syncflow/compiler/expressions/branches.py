"""One function of several emitters: which of them goes on is told by a text in the root.

In: for each text the emitter and what it shall return. Out: a function that returns that, or an empty list for another text.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from syncflow.compiler.expressions.body import write_result
from syncflow.compiler.expressions.emitter import Emitted, Emitter
from syncflow.compiler.expressions.naming import Names, identifier
from syncflow.compiler.expressions.placing import fill_places
from syncflow.compiler.expressions.printing import print_module
from syncflow.compiler.expressions.tidying import drop_unread_names
from syncflow.compiler.expressions.write import Writer


class Branches:
    """A function that goes by ``root[part]``. ``call`` raises ``code.FAILURES``; ``source`` is for people."""

    def __init__(self, name: str, part: str, cases: Mapping[str, tuple[Emitter, Emitted]], *, file: str) -> None:
        names, self._namespace = Names(), dict[str, Any]()
        called, self._root, self._part = names.fresh(identifier(name)), names.fresh("root"), names.fresh(part)
        constants: list[ast.stmt] = []
        body: list[ast.stmt] = [_assigned(self._part, self._subject(part))] if cases else []
        for text, (emitter, result) in cases.items():
            writer = Writer(emitter.root, [result.value], names, called=self._root)
            body.append(self._branch(text, write_result(writer, result.value)))
            constants += writer.constants
            self._namespace |= writer.namespace
        drop_unread_names(body)
        body.append(ast.Return(ast.List([], ast.Load())))
        parameters = ast.arguments([], [ast.arg(self._root)], None, [], [], None, [])
        module = ast.Module([*constants, ast.FunctionDef(called, parameters, body, [])], [])
        fill_places(module)
        self.source = print_module(module)
        exec(compile(module, file, "exec"), self._namespace)  # noqa: S102  # built node by node; texts are constants in it
        self.call = self._namespace[called]

    def _subject(self, part: str) -> ast.expr:
        return ast.Subscript(ast.Name(self._root, ast.Load()), ast.Constant(part), ast.Load())

    def _branch(self, text: str, body: list[ast.stmt]) -> ast.stmt:
        test = ast.Compare(ast.Name(self._part, ast.Load()), [ast.Eq()], [ast.Constant(text)])
        return ast.If(test, body, [])


def _assigned(name: str, value: ast.expr) -> ast.stmt:
    return ast.Assign([ast.Name(name, ast.Store())], value)
