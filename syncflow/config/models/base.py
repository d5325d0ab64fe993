"""What every model of a file shares: strict, frozen, closed, and built when a file first has it.

There are some hundred models with seven hundred keys, and a project uses few of them. To build the validator of a key costs more than
to read many files, so a model within another is not built with it: its place asks the model itself, which is built at the first asking.
"""

from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from functools import cache
from importlib import import_module
from types import NoneType
from typing import Annotated, Any, ClassVar, Self, get_args

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, model_validator
from pydantic_core import CoreSchema, core_schema

from syncflow.config.scalars import Plain

_ASKED = "syncflow_model"
_BEING_BUILT: ContextVar[type[BaseModel] | None] = ContextVar("_BEING_BUILT", default=None)


class Model(BaseModel):
    """Unknown keys are errors, nothing is coerced but what a scalar's source text allows, and nothing changes after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=False, populate_by_name=True, defer_build=True)

    null_is_a_word: ClassVar[frozenset[str]] = frozenset()
    """Keys whose unquoted ``null`` is a word of the language, not the absence of a value."""

    keys_of_others: ClassVar[Mapping[str, str]] = {}
    """Keys that people bring from elsewhere, and how what they mean is written here."""

    @classmethod
    def keys_of_packages(cls) -> Iterable[str]:
        """Return the keys that installed packages add to this model; nothing of a package is imported for that."""
        return ()

    @classmethod
    def with_keys_of_packages(cls, _keys: Iterable[str]) -> type[Self]:
        """Return the model with those of these keys that packages add; the model itself where they add none."""
        return cls

    @classmethod
    def model_rebuild(cls, *, _parent_namespace_depth: int = 2, **how: Any) -> bool | None:
        """Build the model: itself and what is no model, not the models within it."""
        before = _BEING_BUILT.set(cls)
        try:
            return super().model_rebuild(_parent_namespace_depth=_parent_namespace_depth + 1, **how)
        finally:
            _BEING_BUILT.reset(before)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler, /) -> CoreSchema:
        if _BEING_BUILT.get() is cls:
            return handler(source)
        return core_schema.no_info_plain_validator_function(_asked(cls), metadata={_ASKED: cls})

    @model_validator(mode="before")
    @classmethod
    def _empty_is_none(cls, data: Any) -> Any:
        """Where a value may be absent, a key left empty or set to null leaves it so."""
        if not isinstance(data, dict):
            return data
        empty = [
            key
            for key in data.keys() & _nullable_keys(cls)
            if isinstance(value := data[key], Plain) and value in {"", "null", "~"}
        ]
        return {**data, **dict.fromkeys(empty)} if empty else data


class Elsewhere:
    """Stands for a model whose module is imported when a file first has it, or when somebody looks what it is."""

    def __init__(self, module: str, name: str) -> None:
        self._place = (module, name)

    @property
    def model(self) -> type[Model]:
        module, name = self._place
        model: type[Model] = getattr(import_module(module), name)
        return model

    def __get_pydantic_core_schema__(self, _source: Any, _handler: GetCoreSchemaHandler, /) -> CoreSchema:
        def read(value: Any) -> Model:
            return self.model.model_validate(value)

        return core_schema.no_info_plain_validator_function(read, metadata={_ASKED: self})


def elsewhere(module: str, name: str) -> Any:
    """Return what stands in an annotation for a model of another module; type checkers are told of the model itself."""
    return Annotated[Any, Elsewhere(module, name)]


def built(schema: Any) -> Any:
    """Return the schema of a place that asks a model as that of the model, by a name that is the same wherever it stands."""
    said = schema.get("metadata", {})
    asked: type[Model] | Elsewhere | None = said.get(_ASKED)
    if asked is None:
        return schema
    model = asked.model if isinstance(asked, Elsewhere) else asked
    model.model_rebuild()
    own: Any = model.__pydantic_core_schema__
    if own["type"] == "definitions":
        return own
    ref = f"{model.__module__}.{model.__qualname__}:{id(model)}"
    return {**own, "ref": ref, "metadata": {**said, **own.get("metadata", {})}}


def _asked(model: type[Model]) -> Callable[[Any], Model]:
    """Return the function that reads a value as this model. A place that also takes other forms names it in its errors by this name."""

    def read(value: Any) -> Model:
        return model.__pydantic_validator__.validate_python(value)  # type: ignore[no-any-return]  # of this very model

    read.__name__ = read.__qualname__ = model.__name__
    return read


@cache
def _nullable_keys(model: type[Model]) -> frozenset[str]:
    nullable = {
        field.alias or name for name, field in model.model_fields.items() if NoneType in get_args(field.annotation)
    }
    return frozenset(nullable - model.null_is_a_word)


def exactly_one(*keys: str) -> dict[str, Any]:
    """Return the JSON Schema for editors of a model that takes exactly one of these keys; a validator of the model says it to people."""
    return {"oneOf": [{"required": [key], "properties": {key: {"not": {"type": "null"}}}} for key in keys]}
