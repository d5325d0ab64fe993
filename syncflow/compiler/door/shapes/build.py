"""Settings → the shape that they name."""

from __future__ import annotations

from collections.abc import Mapping

from syncflow.compiler.door.shapes.cloudevents import cloudevents
from syncflow.compiler.door.shapes.debezium import debezium
from syncflow.compiler.door.shapes.maxwell import maxwell
from syncflow.compiler.door.shapes.parts import Kinds, Shape
from syncflow.compiler.door.shapes.row import row
from syncflow.config.models.routes import Envelope, RecordSettings

_SHAPES = {"row": row, "debezium": debezium, "cloudevents": cloudevents, "maxwell": maxwell}


def compile_shape(settings: Envelope, records: Mapping[str, RecordSettings]) -> Shape:
    """Return the reader of events of the shape that the settings name."""
    assert settings.shape is not None, "a shape is named"
    return _SHAPES[settings.shape](settings, Kinds(settings, records))
