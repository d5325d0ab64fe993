"""A Pydantic model in place of a schema file: ``schema: models:Contact``.

In: a directory and ``module:Class``. Out: the tree of the schema file that says the same, as far as a schema file can say it. The shape
is read (types, lengths, bounds, patterns, enums, what is required); validators are Python, and are not run.
"""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.errors import PydanticInvalidForJsonSchema, PydanticUserError

from syncflow.config.diagnostics import FileText
from syncflow.config.nodes import MappingNode, from_data
from syncflow.config.own_code import OwnCodeError, load_module, source_of
from syncflow.patterns import lazy_pattern

_NAMED = lazy_pattern(r"(?P<module>[A-Za-z_.][\w./-]*?(?:\.py)?):(?P<model>[A-Za-z_]\w*)")
_IGNORED = frozenset({"default", "discriminator", "readOnly", "writeOnly", "deprecated"})
"""Words that say nothing of what is accepted."""


def names_model(text: str) -> bool:
    """Return whether the name of a schema is that of a Pydantic model: ``models:Contact`` or ``lib/models.py:Contact``."""
    return _NAMED.fullmatch(text) is not None


def read_model_schema(directory: Path, text: str) -> tuple[Path, MappingNode]:
    """Return the file that defines a model, and the model as a schema file.

    Raises:
        OwnCodeError: the module cannot be loaded, or has no such model, or the model cannot be said in JSON Schema.
    """
    named = _NAMED.fullmatch(text)
    assert named is not None
    module = load_module(directory, named["module"])
    model = getattr(module, named["model"], None)
    if not (inspect.isclass(model) and issubclass(model, BaseModel)):
        known = [
            name for name, value in vars(module).items() if inspect.isclass(value) and issubclass(value, BaseModel)
        ]
        models = ", ".join(name for name in known if name != "BaseModel")
        raise OwnCodeError(f"it has no Pydantic model `{named['model']}`" + (f"; there is {models}" if models else ""))
    try:
        schema = model.model_json_schema(by_alias=True, mode="validation")
    except (PydanticInvalidForJsonSchema, PydanticUserError) as error:
        raise OwnCodeError(f"it cannot be said in JSON Schema: {error.message}") from None
    node = from_data(_plain(schema), FileText(text, ""))
    assert isinstance(node, MappingNode)
    return source_of(directory, named["module"]) or Path(inspect.getfile(model)), node


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema in the words of a schema file; a word that has no place there stays, and is refused by its name."""
    said = {_word(name): value for name, value in schema.items() if name not in _IGNORED}
    if len(said.get("allOf", ())) == 1:
        said |= said.pop("allOf")[0]
    for name in ("properties", "$defs"):
        if name in said:
            said[name] = {key: _plain(inner) for key, inner in said[name].items()}
    for name in ("items", "additionalProperties"):
        if isinstance(said.get(name), dict):
            said[name] = _plain(said[name])
    if "anyOf" in said:
        said["anyOf"] = [_plain(inner) for inner in said["anyOf"]]
    return _bounded(said)


def _word(name: str) -> str:
    return "anyOf" if name == "oneOf" else name


def _bounded(said: dict[str, Any]) -> dict[str, Any]:
    """Write an open bound of whole numbers as a closed one."""
    if said.get("type") == "integer":
        for name, closed, step in (("exclusiveMinimum", "minimum", 1), ("exclusiveMaximum", "maximum", -1)):
            if name in said:
                said[closed] = said.pop(name) + step
    return said
