"""Every key says what it means, for editors and for the documentation."""

from __future__ import annotations

import pytest
from pydantic import BaseModel

from syncflow.config.models import adapter, contracts, mapping, request, routes, schema, sign_in, sources
from syncflow.config.models.base import Model
from syncflow.config.models.descriptions import description

MODELS = [
    model
    for module in (adapter, contracts, mapping, request, routes, schema, sign_in, sources)
    for model in vars(module).values()
    if isinstance(model, type) and issubclass(model, Model) and model.__module__ == module.__name__
]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_model_and_every_key_is_described(model: type[BaseModel]) -> None:
    assert model.__doc__
    assert [name for name in model.model_fields if not description(model, name)] == []
