"""``lineage:`` of ``routes.yaml``: which columns become which, for a catalog that takes OpenLineage."""

from __future__ import annotations

from pydantic import Field

from syncflow.config.models.base import Model
from syncflow.config.models.receivers import WebAddress
from syncflow.config.scalars import SomeTime, Text


class LineageSettings(Model):
    """A receiver of OpenLineage, told of each run: what was read, what was written, and which columns became which; no value, ever."""

    to: WebAddress | None = Field(default=None, repr=False)
    """The receiver: https://marquez.example.com. An address with a path is used as it is; to one without, /api/v1/lineage is added.
    Default: OPENLINEAGE_URL. Secret: it is shown nowhere but its host."""
    headers: dict[Text, Text] = Field(default_factory=dict, repr=False)
    """Further headers of each request, such as Authorization. Default: the key in OPENLINEAGE_API_KEY. Secret."""
    namespace: Text | None = None
    """The namespace of the jobs, which are the project's routes. Default: OPENLINEAGE_NAMESPACE, else the project's name."""
    every: SomeTime = 300.0
    """How often a run that goes on is told."""
