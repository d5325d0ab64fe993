"""Personal data hidden where an event is shown: what the schema marks ``personal``, and all that is made of it.

In: a schema, and the explanation of an event. Out: the explanation with ``***`` in place of personal values. A value counts as
personal if an expression that makes it reads a personal path, or if it holds the text of a personal value; so does what the schema
does not name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from syncflow.compiler.door.schema import REFERENCE
from syncflow.compiler.explanations import LegStory, RouteStory, Rule, Story
from syncflow.compiler.functions import FUNCTIONS, Function
from syncflow.compiler.origins import Evaluation, Origin, Reading, paths_of
from syncflow.compiler.single_expressions import compile_expression
from syncflow.config.models.mapping import Constant, FieldForm, MappingFile, Recipe
from syncflow.config.models.schema import SchemaNode
from syncflow.events import Json, Key

MASK = "***"
_SHORTEST = 3
"""Fewest characters by which a personal text is known again inside another: shorter ones are everywhere."""

_Steps = tuple[str | int | None, ...]


class Mask:
    """Hides the personal data of one kind of record."""

    def __init__(
        self,
        schema: SchemaNode | None,
        root: Mapping[str, Json] | None,
        *,
        functions: Mapping[str, Function] = FUNCTIONS,
    ) -> None:
        """``functions``: what the project's expressions may call."""
        self._functions = functions
        item = root["item"] if root is not None else None
        marked = (("item",),) if schema is None else _personal(schema, schema.defs, ("item",))
        self._paths: tuple[_Steps, ...] = (*marked, *_unknown(schema, item))
        self._texts = frozenset(text for path in self._paths for text in _texts(_at(root, path)))

    def story(self, story: Story) -> Story:
        """Return an explanation without personal data."""
        return replace(
            story,
            root=None
            if story.root is None
            else {name: self._shown(value, (name,)) for name, value in story.root.items()},
            ignore=tuple(self._rule(rule) for rule in story.ignore),
            routes=tuple(self._route(route) for route in story.routes),
        )

    def fields(self, mapping: MappingFile) -> frozenset[str]:
        """Return the fields of a mapping, and a key that is none, that are made of personal data, regardless of the event."""
        forms = mapping.fields | mapping.key_forms
        return frozenset(name for name, form in forms.items() if any(map(self._covers, self._read_by(form))))

    def reads_personal(self, expression: str) -> bool:
        """Return whether an expression reads personal data, regardless of the event."""
        return any(map(self._covers, paths_of(compile_expression(expression, functions=self._functions))))

    def _read_by(self, form: FieldForm) -> Sequence[tuple[str | int, ...]]:
        if isinstance(form, Constant):
            return ()
        text = form.source if isinstance(form, Recipe) else form
        return paths_of(compile_expression(text, functions=self._functions))

    def payload(self, payload: Mapping[str, Json], fields: frozenset[str]) -> dict[str, Json]:
        """Return a payload with some fields hidden, and whatever else holds a personal text."""
        shown = {name: self._value(value) for name, value in payload.items()}
        return {name: MASK if name in fields and value is not None else value for name, value in shown.items()}

    def key(self, key: Key, fields: frozenset[str]) -> Key:
        """Return a key, hidden where it is one of the fields or holds a personal text."""
        return Key(key.name, MASK if key.name in fields else str(self._value(key.value)))

    def text(self, text: str) -> str:
        """Return a text, hidden where it holds a personal one."""
        return str(self._value(text))

    def _route(self, route: RouteStory) -> RouteStory:
        return replace(
            route,
            when=None if route.when is None else self._rule(route.when),
            by=None if route.by is None else self._evaluation(route.by),
            verdict=self.text(route.verdict),
            legs=tuple(self._leg(leg) for leg in route.legs),
        )

    def _leg(self, leg: LegStory) -> LegStory:
        personal = (origin.field for origin in leg.fields if self._is_personal(origin.evaluation))
        fields, match = frozenset(personal), leg.match
        if match is not None:
            match = replace(match, payload=self.payload(match.payload, fields), key=self.key(match.key, fields))
        return replace(leg, match=match, fields=tuple(self._origin(origin) for origin in leg.fields))

    def _rule(self, rule: Rule) -> Rule:
        return replace(rule, evaluation=self._evaluation(rule.evaluation))

    def _origin(self, origin: Origin) -> Origin:
        found = None if origin.evaluation is None else self._evaluation(origin.evaluation)
        personal = self._is_personal(origin.evaluation)
        hidden = personal and origin.value is not None
        entry = MASK if personal and origin.entry is not None else origin.entry
        return replace(origin, evaluation=found, entry=entry, value=MASK if hidden else self._value(origin.value))

    def _evaluation(self, found: Evaluation) -> Evaluation:
        hidden = self._is_personal(found) and found.value is not None and not isinstance(found.value, bool)
        return replace(
            found,
            readings=tuple(self._reading(reading) for reading in found.readings),
            value=MASK if hidden else self._value(found.value),
        )

    def _is_personal(self, found: Evaluation | None) -> bool:
        return found is not None and any(self._covers(reading.steps) for reading in found.readings)

    def _covers(self, steps: Sequence[str | int | None]) -> bool:
        """Return whether a path leads to personal data, into it, or to what holds it."""
        return any(_leads(steps, path) for path in self._paths)

    def _reading(self, reading: Reading) -> Reading:
        return replace(reading, value=self._shown(reading.value, reading.steps))

    def _shown(self, value: Json, steps: _Steps) -> Json:
        """Return the value at a path with what is personal in it hidden."""
        if any(len(steps) >= len(path) and _leads(steps, path) for path in self._paths):
            return value if value is None else MASK
        if isinstance(value, dict):
            return {name: self._shown(inner, (*steps, name)) for name, inner in value.items()}
        if isinstance(value, list):
            return [self._shown(inner, (*steps, number)) for number, inner in enumerate(value)]
        return self._value(value)

    def _value(self, value: Json) -> Json:
        if isinstance(value, dict):
            return {name: self._value(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [self._value(inner) for inner in value]
        return MASK if isinstance(value, str) and any(text in value.lower() for text in self._texts) else value


def _leads(steps: Sequence[str | int | None], path: _Steps) -> bool:
    """Return whether one of two paths is the beginning of the other."""
    return all(theirs is None or ours == theirs for ours, theirs in zip(steps, path, strict=False))


def _personal(
    node: SchemaNode, defs: Mapping[str, SchemaNode], path: _Steps, entered: frozenset[str] = frozenset()
) -> Iterator[_Steps]:
    """Yield the paths that a schema marks. What contains itself is hidden whole where it begins again."""
    if node.personal:
        yield path
        return
    for name, inner in node.properties.items():
        yield from _personal(inner, defs, (*path, name), entered)
    for elements in (node.items, node.additional_properties):
        if isinstance(elements, SchemaNode):
            yield from _personal(elements, defs, (*path, None), entered)
    for choice in node.any_of or ():
        yield from _personal(choice, defs, path, entered)
    if node.ref is not None:
        name = node.ref.removeprefix(REFERENCE)
        yield from (path,) if name in entered else _personal(defs[name], defs, path, entered | {name})


def _unknown(schema: SchemaNode | None, item: Json) -> Iterator[_Steps]:
    """Yield what an item holds that its schema does not name: nobody has said that it is not personal."""
    if schema is not None and schema.properties and isinstance(item, dict):
        yield from (("item", name) for name in item if name not in schema.properties)


def _at(value: Any, path: _Steps) -> Iterator[Json]:
    """Yield what stands at a path; a step of None goes into every element."""
    if not path:
        yield value
        return
    step, rest = path[0], path[1:]
    if step is None:
        inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
        for element in inner:
            yield from _at(element, rest)
    elif isinstance(value, Mapping) and step in value:
        yield from _at(value[step], rest)


def _texts(values: Iterator[Json]) -> Iterator[str]:
    for value in values:
        if isinstance(value, str) and len(value) >= _SHORTEST:
            yield value.lower()
        elif isinstance(value, dict):
            yield from _texts(iter(value.values()))
        elif isinstance(value, list):
            yield from _texts(iter(value))
