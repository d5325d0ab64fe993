"""What every model of a file shares: strict, frozen, closed."""

from collections.abc import Mapping
from functools import cache
from types import NoneType
from typing import Any, ClassVar, get_args

from pydantic import BaseModel, ConfigDict, model_validator

from syncflow.config.scalars import Plain


class Model(BaseModel):
    """Unknown keys are errors, nothing is coerced but what a scalar's source text allows, and nothing changes after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=False, populate_by_name=True, defer_build=True)

    null_is_a_word: ClassVar[frozenset[str]] = frozenset()
    """Keys whose unquoted ``null`` is a word of the language, not the absence of a value."""

    keys_of_others: ClassVar[Mapping[str, str]] = {}
    """Keys that people bring from elsewhere, and how what they mean is written here."""

    @model_validator(mode="before")
    @classmethod
    def _empty_is_none(cls, data: Any) -> Any:
        """Where a value may be absent, a key left empty or set to null leaves it so."""
        if not isinstance(data, dict):
            return data
        empty = [key for key, value in data.items() if isinstance(value, Plain) and value in {"", "null", "~"}]
        nullable = [key for key in empty if key in _nullable_keys(cls)]
        return {**data, **dict.fromkeys(nullable)} if nullable else data


@cache
def _nullable_keys(model: type[Model]) -> frozenset[str]:
    nullable = {
        field.alias or name for name, field in model.model_fields.items() if NoneType in get_args(field.annotation)
    }
    return frozenset(nullable - model.null_is_a_word)


def exactly_one(*keys: str) -> dict[str, Any]:
    """Return the JSON Schema for editors of a model that takes exactly one of these keys; a validator of the model says it to people."""
    return {"oneOf": [{"required": [key], "properties": {key: {"not": {"type": "null"}}}} for key in keys]}
