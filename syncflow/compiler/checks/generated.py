"""Checks of the source ``generate``: whether it can make events that fit the schema, and change what it is told to change."""

from __future__ import annotations

from collections.abc import Iterator

from syncflow.compiler.types.alternatives import alternatives
from syncflow.compiler.types.fitting import NOT_BLANK
from syncflow.compiler.types.made_texts import texts_of_node
from syncflow.config.diagnostics import Diagnostic, did_you_mean, one_of
from syncflow.config.models.routes import GenerateSource
from syncflow.config.models.schema import SchemaNode
from syncflow.config.project import Project

_DEEPEST = 8


def check_generated(project: Project) -> Iterator[Diagnostic]:
    """Yield what keeps events from being made, or from being changed as the settings say."""
    for at, settings in project.routes.model.all_sources.items():
        if settings.generate is not None:
            yield from _check(project, settings.generate, (*at, "generate"))


def _check(project: Project, generate: GenerateSource, at: tuple[str, ...]) -> Iterator[Diagnostic]:
    kinds = list(project.schemas)
    kind = generate.record or (kinds[0] if len(kinds) == 1 else None)
    if kind is None or kind not in project.schemas:
        return
    schema = project.schemas[kind]
    yield from _changes_of(project, generate, schema.model, at)
    for path in _unmakeable(schema.model, schema.model, (), _DEEPEST):
        yield schema.report(
            "SF421",
            f"`generate` cannot make values of this pattern for `{path[-2]}`",
            *path,
            hint=f"list some under `examples:` of `{path[-2]}`",
        )


def _changes_of(
    project: Project, generate: GenerateSource, schema: SchemaNode, at: tuple[str, ...]
) -> Iterator[Diagnostic]:
    choices = [name for name, node in schema.properties.items() if _has_choices(node, schema)]
    for name in generate.changes_of:
        if name not in choices:
            known = name in schema.properties
            yield project.routes.report(
                "SF421",
                f"`{name}` has no enum of two or more values" if known else f"the schema has no property `{name}`",
                *at,
                "changes_of",
                name,
                at_key=True,
                expected=one_of(choices) if choices else "a property whose schema has an enum",
                suggestion=did_you_mean(name, choices),
            )


def _has_choices(node: SchemaNode, root: SchemaNode) -> bool:
    return any(
        sum(value is not None for value in part.enum or ()) > 1 for part in alternatives(node, root, depth=_DEEPEST)
    )


def _unmakeable(node: SchemaNode, root: SchemaNode, path: tuple[str, ...], depth: int) -> Iterator[tuple[str, ...]]:
    """Yield the places of patterns in what must be there."""
    for name in node.required if depth else ():
        part = node.properties.get(name)
        if part is None:
            continue
        place = (*path, "properties", name)
        known = part.pattern is None or part.pattern in NOT_BLANK or texts_of_node(part) is not None
        if not known and not part.examples and part.enum is None:
            yield (*place, "pattern")
        yield from _unmakeable(part, root, place, depth - 1)
