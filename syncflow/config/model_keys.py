"""Which keys a model allows at a place: for *did you mean* and for lists of what may be written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel

from syncflow.config.models.base import Elsewhere, Model


def keys_at(model: type[BaseModel], location: Sequence[str | int]) -> list[str]:
    """Return the keys, as files write them, of the model found by a validation error's location."""
    models = [annotation for annotation in _annotations_at(model, location) if _is_model(annotation)]
    return list(dict.fromkeys(key for each in models for key in keys_of(each)))


def hint_at(model: type[BaseModel], location: Sequence[str | int], key: str) -> str:
    """Return how what an unknown key means is written here, empty where it is not known."""
    models = [annotation for annotation in _annotations_at(model, location) if _is_model(annotation)]
    hints = [each.keys_of_others.get(key, "") for each in models if issubclass(each, Model)]
    return next(filter(None, hints), "")


def choices_at(model: type[BaseModel], location: Sequence[str | int]) -> list[str]:
    """Return the words that may stand at a validation error's location, where only some may."""
    return [annotation for annotation in _annotations_at(model, location) if isinstance(annotation, str)]


def _annotations_at(model: type[BaseModel], location: Sequence[str | int]) -> list[Any]:
    found: list[Any] = [model]
    for step in location:
        deeper = [inner for annotation in found for inner in _step(annotation, step)]
        found = deeper or found
    return found


def keys_of(model: type[BaseModel]) -> list[str]:
    """Return a model's keys as files write them."""
    own = [field.alias or name for name, field in model.model_fields.items()]
    return [*own, *model.keys_of_packages()] if issubclass(model, Model) else own


def _step(annotation: Any, step: str | int) -> Iterable[Any]:
    """Go one step of a location down; a step that names a form (a member of a union) picks it."""
    if _is_model(annotation):
        model = annotation.with_keys_of_packages([step]) if issubclass(annotation, Model) else annotation
        for name, field in model.model_fields.items():
            if step in (field.alias, name):
                yield from _members(field.annotation)
        if str(step) in (annotation.__name__, f"={annotation.__name__.lower()}"):
            yield annotation
        return
    arguments = get_args(annotation)
    origin = get_origin(annotation)
    if origin is dict:
        yield from _members(arguments[1])
    elif origin in (tuple, list) and isinstance(step, int):
        yield from _members(arguments[0])


def _members(annotation: Any) -> Iterable[Any]:
    """Take annotations and unions apart."""
    origin = get_origin(annotation)
    if origin is Annotated:
        kind, *marks = get_args(annotation)
        models = [mark.model for mark in marks if isinstance(mark, Elsewhere)]
        yield from models or _members(kind)
    elif origin in (dict, tuple, list) or not get_args(annotation):
        yield annotation
    else:
        for member in get_args(annotation):
            yield from _members(member)


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
