"""The keys of every kind of file, from the JSON Schemas that editors use: a *table* for each model, an entry for each key."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from syncflow.cli.reference.entry import Entry, Kind
from syncflow.cli.reference.types import in_words, parts_of
from syncflow.config.yaml import read_text

_BLOCK = re.compile(r"^```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)

FILES = {
    "routes": "the routes file, `routes.yaml`",
    "mapping": "a mapping, `mappings/NAME.yaml`",
    "schema": "a schema, `schemas/NAME.yaml`",
    "object": "an object of a system, `objects/NAME.yaml`",
    "adapter": "an adapter, `adapters/NAME.yaml`",
}


@dataclass(frozen=True, kw_only=True)
class Row:
    """One key of a table."""

    name: str
    type: str
    default: str
    meaning: str
    required: bool
    keys: tuple[str, ...]
    """The keys that stand under it, where it is a mapping of known ones."""
    leads_to: tuple[str, ...]
    """The models of these."""

    @property
    def default_in_words(self) -> str:
        """What holds where the key is left out; empty where its meaning says it, or nothing does."""
        return "none, it must be given" if self.required else f"`{self.default}`" if self.default else ""


@dataclass(frozen=True, kw_only=True)
class Table:
    """The keys of one model, at the first path where it stands; ``also`` are the others."""

    file: str
    model: str
    path: str
    also: tuple[str, ...]
    summary: str
    rows: tuple[Row, ...]

    @property
    def examples(self) -> tuple[str, ...]:
        """YAML that shows the keys."""
        return examples().get(self.model, ())


@cache
def tables(file: str) -> tuple[Table, ...]:
    """Return the tables of a kind of file, the file itself first, then as its keys lead on."""
    from syncflow.config.file_schemas import file_schema

    schema = file_schema(file)
    models = {"": schema, **schema.get("$defs", {})}
    places = _places(models)
    return tuple(_table(file, model, models, places[model]) for model in places if "properties" in models[model])


def entries() -> list[Entry]:
    """Return an entry for every key of every kind of file."""
    return [_entry(table, row) for file in FILES for table in tables(file) for row in table.rows]


@cache
def examples() -> Mapping[str, tuple[str, ...]]:
    """Model → YAML texts that show its keys: the blocks under its heading in ``examples.md``."""
    text = resources.files(__package__).joinpath("examples.md").read_text("utf-8")
    sections = re.split(r"^## (\w+)$", text, flags=re.MULTILINE)[1:]
    return {model: tuple(_BLOCK.findall(section)) for model, section in zip(sections[::2], sections[1::2], strict=True)}


def _places(models: Mapping[str, Any]) -> dict[str, list[str]]:
    """Model → the paths where it stands, breadth first; a model within itself is not followed again."""
    places: dict[str, list[str]] = {"": [""]}
    queue: list[tuple[str, str, tuple[str, ...]]] = [("", "", ())]
    while queue:
        model, path, above = queue.pop(0)
        for name, schema in models[model].get("properties", {}).items():
            for end, deeper in parts_of(schema):
                if deeper in above or deeper.startswith("Overlay") or deeper == model:
                    continue
                place = f"{path}.{name}{end}".lstrip(".")
                first = deeper not in places
                places.setdefault(deeper, []).append(place)
                if first:
                    queue.append((deeper, place, (*above, model)))
    return places


def _table(file: str, model: str, models: Mapping[str, Any], places: list[str]) -> Table:
    schema = models[model]
    required = set(schema.get("required", ()))
    return Table(
        file=file,
        model=model or _root(file),
        path=places[0],
        also=tuple(places[1:]),
        summary=schema.get("description", ""),
        rows=tuple(_row(name, part, models, name in required) for name, part in schema["properties"].items()),
    )


def _root(file: str) -> str:
    from syncflow.config.file_schemas import KINDS

    return KINDS[file].__name__


def _row(name: str, schema: Mapping[str, Any], models: Mapping[str, Any], required: bool) -> Row:
    default = schema.get("default")
    leads_to = tuple(model for _, model in parts_of(schema) if not model.startswith("Overlay"))
    return Row(
        name=name,
        type=in_words(schema),
        default="" if default is None else _written(default),
        meaning=" ".join(schema.get("description", "").split()),
        required=required,
        keys=tuple(key for model in leads_to for key in models[model].get("properties", ())),
        leads_to=leads_to,
    )


def _written(default: Any) -> str:
    return str(default).lower() if isinstance(default, bool) else str(default)


def _entry(table: Table, row: Row) -> Entry:
    name = f"{table.path}.{row.name}" if table.path else row.name
    facts = f"Type: {row.type}. " + (f"Default: {row.default_in_words}." if row.default_in_words else "")
    also = f", and at {', '.join(f'`{path}`' for path in table.also)}" if table.also else ""
    text = [row.meaning, facts.strip(), f"Stands in {FILES[table.file]}{also}."]
    if row.keys:
        text.append(f"Keys in it: {', '.join(f'`{key}`' for key in row.keys)}.")
    example = next((shown for shown in table.examples if row.name in keys_of(shown)), "")
    if example:
        at = f"# in `{table.path}`\n" if table.path else ""
        text.append(f"```yaml\n{at}{example.rstrip()}\n```")
    return Entry(kind=Kind.KEY, name=name, summary=row.meaning, text="\n\n".join(filter(None, text)), file=table.file)


def keys_of(example: str) -> frozenset[str]:
    """Return the keys at the top of an example."""
    node, _, _ = read_text(example, name="examples.md")
    return frozenset(node.data()) if node is not None else frozenset()


def _block(example: str) -> str:
    return f"```yaml\n{example.rstrip()}\n```"
