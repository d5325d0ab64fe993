"""JSON Schemas of the kinds of file, for editors: made from the models that read them, so that both say the same.

In: the pydantic models. Out: JSON Schema (draft 2020-12) for what the loader takes, as an editor reads it: an unquoted ``5`` is a number
there, a duration is text with a unit, and ``${VARIABLE}`` may stand for any scalar.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from inspect import cleandoc
from typing import Any, get_args

from pydantic import BaseModel, BeforeValidator
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import PydanticCustomError, core_schema

from syncflow.config import scalars
from syncflow.config.models.adapter import AdapterFile
from syncflow.config.models.base import built, exactly_one
from syncflow.config.models.descriptions import description
from syncflow.config.models.mapping import MappingFile
from syncflow.config.models.packages import kind_of_package
from syncflow.config.models.routes import NamedSource, RoutesFile, SourceSettings
from syncflow.config.models.schema import ObjectFile, SchemaNode

KINDS: dict[str, type[BaseModel]] = {
    "routes": RoutesFile,
    "mapping": MappingFile,
    "schema": SchemaNode,
    "object": ObjectFile,
    "adapter": AdapterFile,
}

_NUMBER = r"[-+]?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?"
_VARIABLE: JsonSchemaValue = {"type": "string", "pattern": r"\$\{"}
_TIMES = {"d": 86400, "h": 3600, "m": 60, "s": 1, "ms": 0.001}
_SIZES = {"GB": 10**9, "MB": 10**6, "kB": 10**3, "B": 1}
_BOUNDS = {"ge": "minimum", "le": "maximum"}
_OVERLAY = "Overlay"


def file_schema(kind: str) -> JsonSchemaValue:
    """Return the JSON Schema of a kind of file: routes, mapping, schema, object or adapter."""
    schema = KINDS[kind].model_json_schema(schema_generator=_Generator, mode="validation")
    if kind == "routes":
        _add_kinds_of_packages(schema)
        _add_overlays(schema)
    title = f"A syncflow {kind} file"
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | schema | {"title": title}


def _reader(kind: Any) -> Callable[..., Any]:
    """Return the function that reads a scalar of this kind: the generator knows the kind by it."""
    return next(part.func for part in get_args(kind) if isinstance(part, BeforeValidator))


def _measure(units: str, example: str) -> JsonSchemaValue:
    return {"type": "string", "pattern": rf"^\s*{_NUMBER}({units})\s*$|\$\{{", "examples": [example]}


_DURATION = _measure("ms|s|m|h|d", "10s")
_SIZE = _measure("B|kB|KB|MB|GB|KiB|MiB|GiB", "5MB")
_RATE = {
    "type": "string",
    "pattern": rf"^\s*{_NUMBER}\s*/\s*({_NUMBER})?(ms|s|m|h|d)\s*$|\$\{{",
    "examples": ["5/s", "100/10s"],
}
_PERCENT: JsonSchemaValue = {
    "anyOf": [
        {"type": "number", "minimum": 0, "maximum": 1},
        {"type": "string", "pattern": rf"^\s*{_NUMBER}\s*%$|\$\{{", "examples": ["10%"]},
    ]
}
_OVERLAP: JsonSchemaValue = {"anyOf": [{"type": "integer", "minimum": 0}, _DURATION, {"type": "null"}]}
_MEASURES = {
    _reader(scalars.Duration): _DURATION,
    _reader(scalars.Size): _SIZE,
    _reader(scalars.RatePer): _RATE,
    _reader(scalars.Percent): _PERCENT,
    _reader(scalars.Overlap): _OVERLAP,
}
_TYPED = {_reader(kind) for kind in (scalars.Integer, scalars.Number, scalars.Boolean)}
_TEXTS = {_reader(kind) for kind in (scalars.Text, scalars.Expr, scalars.OptionalText, scalars.Address)}


class _Generator(GenerateJsonSchema):
    """Follows the functions that read scalars, and says what keys mean; everything else is pydantic's."""

    def function_before_schema(self, schema: core_schema.BeforeValidatorFunctionSchema) -> JsonSchemaValue:
        reader = schema["function"]["function"]
        if reader in _MEASURES:
            return dict(_MEASURES[reader])
        inner = super().function_before_schema(schema)
        if reader in _TYPED:
            return _or_variable(inner)
        return _as_text(inner) if reader in _TEXTS else inner

    def chain_schema(self, schema: core_schema.ChainSchema) -> JsonSchemaValue:
        first, last = schema["steps"][0], self.generate_inner(schema["steps"][-1])
        is_text = first["type"] == "function-before" and first["function"]["function"] in _TEXTS
        return _as_text(last) if is_text else last

    def generate_inner(self, schema: Any) -> JsonSchemaValue:
        found = super().generate_inner(built(schema))
        # Behind a function that reads, pydantic leaves bounds under its own names.
        bounds = {_BOUNDS[name]: found[name] for name in _BOUNDS if name in found and found.get("type") != "string"}
        return {name: part for name, part in found.items() if name not in _BOUNDS} | bounds

    def literal_schema(self, schema: core_schema.LiteralSchema) -> JsonSchemaValue:
        words = list(schema["expected"])
        # An editor reads the unquoted word as nothing.
        return _or_variable({"enum": [*words, None] if "null" in words else words})

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        values = schema.get("values_schema")
        found: JsonSchemaValue = {
            "type": "object",
            "additionalProperties": self.generate_inner(values) if values else True,
        }
        names = _names(schema.get("keys_schema"))
        return found | {"propertyNames": names} if names else found

    def tagged_union_schema(self, schema: core_schema.TaggedUnionSchema) -> JsonSchemaValue:
        choices = [self.generate_inner(choice) for choice in schema["choices"].values()]
        # What a value is is told by its form here, so a number is no text.
        return {"anyOf": [choice | {"type": "string"} if "type" in choice else choice for choice in choices]}

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        inner = self.generate_inner(schema["schema"])
        default = _written(self.get_default_value(schema), inner)
        return inner if default is None else inner | {"default": default}

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        model = schema["cls"]
        found = super().model_schema(schema)
        found.pop("title", None)
        _describe(found, model.__doc__ or "")
        for name, field in model.model_fields.items():
            _describe(found["properties"][field.alias or name], description(model, name))
        return found

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def _describe(schema: JsonSchemaValue, text: str) -> None:
    """Give a schema its description; an editor shows Markdown, where one backtick marks code."""
    if text:
        schema["description"] = cleandoc(text).replace("``", "`")


def _or_variable(schema: JsonSchemaValue) -> JsonSchemaValue:
    choices = schema.get("anyOf", [schema])
    return {"anyOf": choices if _VARIABLE in choices else [*choices, _VARIABLE]}


def _as_text(schema: JsonSchemaValue) -> JsonSchemaValue:
    """Let text be anything that stands there unquoted; where it must look like something, that or a variable."""
    if "anyOf" in schema:
        return schema | {"anyOf": [_as_text(choice) for choice in schema["anyOf"]]}
    if schema.get("type") != "string":
        return schema
    if "pattern" in schema:
        return schema | {"pattern": rf"{schema['pattern']}|\$\{{"}
    return schema | {"type": ["string", "number", "boolean"]}


def _names(schema: Any) -> JsonSchemaValue:
    """Return what the keys of a mapping may be; empty for any."""
    if schema is None:
        return {}
    if schema["type"] == "chain":
        return _names(schema["steps"][-1])
    if schema["type"].startswith("function-"):
        return _names(schema["schema"])
    if schema["type"] == "literal":
        return {"enum": list(schema["expected"])}
    return {"pattern": schema["pattern"]} if schema.get("pattern") else {}


def _written(default: Any, schema: JsonSchemaValue) -> Any:
    """Return a default as a person would write it; None where an editor need not offer one."""
    for measure, units in ((_DURATION, _TIMES), (_SIZE, _SIZES)):
        if schema.get("pattern") == measure["pattern"]:
            return _spelled(default, units)
    return default if isinstance(default, str | bool | int | float) and default != "" else None


def _spelled(default: Any, units: Mapping[str, float]) -> str | None:
    counts = (
        [(round(default / size, 6), unit) for unit, size in units.items()] if isinstance(default, int | float) else []
    )
    return next((f"{count:g}{unit}" for count, unit in counts if count >= 1 and count.is_integer()), None)


def _add_kinds_of_packages(schema: JsonSchemaValue) -> None:
    """Let a source be of a kind that an installed package brings."""
    for model in (SourceSettings, NamedSource):
        kinds = sorted(filter(_can_be_used, model.keys_of_packages()))
        extended = model.with_keys_of_packages(kinds)
        if extended is not model:
            found = extended.model_json_schema(schema_generator=_Generator, mode="validation")
            whole = schema["$defs"][model.__name__]
            for kind in kinds:
                _describe(found["properties"][kind], kind_of_package(kind).model.__doc__ or "")
            whole["properties"] |= {kind: found["properties"][kind] for kind in kinds}
            whole["oneOf"] = [*whole["oneOf"], *exactly_one(*kinds)["oneOf"]]
            schema["$defs"] |= {name: part for name, part in found["$defs"].items() if name not in schema["$defs"]}


def _can_be_used(kind: str) -> bool:
    """Tell whether a package's kind can be loaded; where a project names it, `validate` says why not."""
    try:
        kind_of_package(kind)
    except PydanticCustomError:
        return False
    return True


def _add_overlays(schema: JsonSchemaValue) -> None:
    """Let each profile be a part of the file: the same keys, none of them required."""
    parts = {name: part for name, part in schema.items() if name in {"type", "properties", "additionalProperties"}}
    overlays = {f"{_OVERLAY}{name}": _relaxed(part) for name, part in schema["$defs"].items()}
    whole = _relaxed(parts)
    for name in ("profiles", "profile", "version"):
        del whole["properties"][name]
    schema["$defs"] |= overlays | {_OVERLAY: whole}
    schema["properties"]["profiles"]["additionalProperties"] = {"$ref": f"#/$defs/{_OVERLAY}"}


def _relaxed(schema: Any) -> Any:
    """Return a schema without what it requires, that refers to parts without what they require."""
    if isinstance(schema, list):
        return [_relaxed(part) for part in schema]
    if not isinstance(schema, Mapping):
        return schema
    kept = {
        name: part for name, part in schema.items() if not (name in {"required", "oneOf"} and isinstance(part, list))
    }
    return {
        name: part.replace("#/$defs/", f"#/$defs/{_OVERLAY}") if name == "$ref" else _relaxed(part)
        for name, part in kept.items()
    }
