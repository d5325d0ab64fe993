"""How records are looked for by a field that is not their key: for mappings that ``adopt`` what is there already."""

from pydantic import Field

from syncflow.config.models.answer import Pages
from syncflow.config.models.base import Model
from syncflow.config.models.request import Request
from syncflow.config.scalars import Count, Expr, SomeSize, Text


class FindBatch(Model):
    """How many values are looked for at once."""

    records: Count = 1
    """Most values in a request."""
    bytes: SomeSize | None = None
    """Most bytes of one request, the body or, without one, the URL; what is larger is sent in parts."""


class RecordFinder(Model):
    """How records are looked for by the values of one field: a harmless read, and where what it found stands in its answer."""

    request: Request
    """What is asked. It sees ``object``, ``key.name``, ``field`` (the field that is looked by), ``values`` (a list of texts, no two the
    same), ``value``, the first of them, and ``fields`` (the names that are wanted: the key and those of ``adopt``)."""
    batch: FindBatch = Field(default_factory=FindBatch.model_construct)
    """How many values are looked for at once."""
    each: Expr
    """The list of records found, in the body. What has none of the values is ignored."""
    id: Expr
    """The id of one of them, by which it is changed: requests see it as ``vendor_id``."""
    fields: Expr | None = None
    """The fields of one of them, ``fields`` of the request among them; left out: the record itself. A field may be a list
    of values, of which each counts."""
    pages: Pages | None = None
    """How the rest of a long answer is asked for."""
    missing: tuple[Count, ...] = ()
    """Statuses that say that nothing was found."""
    unfit: Expr | None = None
    """Why one of them cannot be adopted, in words for a dead letter: ``when(IsConverted, 'it is a converted lead')``. Null: it can."""
    id_field: Text | None = None
    """What ``field`` is where records are looked for by the ids that a conflict told (``then: adopt`` with ``vendor_id``)."""
