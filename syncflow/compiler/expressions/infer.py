"""Nodes + the type of the root → the type of every node, and what is suspicious about it.

An expression is gone through as it runs: what a guard proves, a loop binds or a ``set`` gives holds for what comes after it. What a
construct makes of that is said by itself (``nodes``); here is what they share.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from syncflow.compiler.expressions.findings import Finding
from syncflow.compiler.expressions.language import JMESPATH, Language
from syncflow.compiler.expressions.node import Node, Statement, of_absent
from syncflow.compiler.expressions.scope import Scope
from syncflow.compiler.functions import Function
from syncflow.compiler.types.json import NEVER, Type
from syncflow.compiler.types.narrowing import without_absent
from syncflow.frozen import value_class


@value_class
class Inferred:
    """``types`` holds the type of every node, narrowed by the guards before it; ``findings`` are in the text's order."""

    type: Type
    types: Mapping[Node, Type]
    findings: Sequence[Finding]


def infer(node: Node, root: Type, functions: Mapping[str, Function], language: Language = JMESPATH) -> Inferred:
    """Infer the type of an expression, or of the text that a template makes, of roots of a type."""
    inference, scope = Inference(functions), Scope(_root(root, language), language)
    kind = inference.statement(node, scope)[0] if isinstance(node, Statement) else inference.of(node, scope)
    return Inferred(kind, inference.types, sorted(inference.findings, key=lambda finding: finding.offset))


def assume(condition: Node, root: Type, *, holds: bool, functions: Mapping[str, Function] | None = None) -> Type:
    """Return what is left of the type of the root where a condition of JMESPath counts as true (``holds``) or as false.

    With ``functions``: where it asks one field whose values are known one by one, each is tried.
    """
    tries = None if functions is None else Inference(functions).alone
    return condition.assume(Scope(root, JMESPATH), holds=holds, type_of=tries).current


def _root(root: Type, language: Language) -> Type:
    return without_absent(root) if language.is_jinja else language.read(root)


@dataclass(slots=True)
class Inference:
    """What is known of the nodes of one expression so far."""

    functions: Mapping[str, Function]
    silent: bool = False
    types: dict[Node, Type] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    explained: set[Node] = field(default_factory=set)
    """Conditions of which a part has been found to have one answer: it is not said of the whole again."""

    def report(self, scope: Scope, found: Sequence[Finding]) -> None:
        if found and scope.is_reached and not self.silent:
            self.findings.extend(found)

    def of(self, node: Node, scope: Scope) -> Type:
        """Infer a node; NEVER where the place is never reached."""
        kind = node.infer(self, scope) if scope.is_reached else self._unreached(node, scope)
        self.types[node] = kind
        if not self.silent and scope.is_reached:
            self.findings.extend(node.complain(self, scope))
        return kind

    def _unreached(self, node: Node, scope: Scope) -> Type:
        for child in node.children:
            self.of(child, scope)
        return NEVER

    def there(self, node: Node, scope: Scope, default: str = "''") -> Type:
        """Infer a value that fails where it is absent; ``default`` would do there, if one can be written."""
        kind = self.of(node, scope)
        self.report(scope, of_absent(node, kind, default))
        return without_absent(kind)

    def alone(self, node: Node, scope: Scope) -> Type:
        """Return the type of a node alone, for another scope, say: nothing of it is kept."""
        return Inference(self.functions, silent=True).of(node, scope)

    def assume(self, condition: Node, scope: Scope, *, holds: bool) -> Scope:
        """Return what is left of a scope where a condition holds, or does not."""
        return condition.assume(scope, holds=holds, type_of=self.alone)

    def statement(self, node: Statement, scope: Scope) -> tuple[Type, Scope]:
        """Return the type of the text that a statement writes, and the scope after it."""
        kind, after = node.run(self, scope)
        self.types[node] = kind if scope.is_reached else NEVER
        return self.types[node], after
