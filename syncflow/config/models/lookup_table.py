"""A table of names of the other side, read once and shared by every delivery of a system: field → id, list → id, stage → id."""

from typing import Literal, Self

from pydantic import Field, model_validator

from syncflow.config.models.answer import Pages
from syncflow.config.models.base import Model
from syncflow.config.models.request import Request
from syncflow.config.scalars import Duration, Expr


class NewEntry(Model):
    """How an entry that a table lacks is made on the other side."""

    request: Request
    """What is sent; it sees the missing name as ``name``, and what every request sees that carries no record."""
    value: Expr = "id"
    """The value of the new entry, in the answer."""


class LookupTable(Model):
    """One table: ``lookup(payload.stage, tables.stages)`` gives the value of a name."""

    request: Request
    """The harmless read that lists the entries."""
    pages: Pages | None = None
    """How the rest of a long list is asked for."""
    each: Expr = "@"
    """The list of entries, in the body."""
    key: Expr = "name"
    """The name of one entry."""
    value: Expr = "id"
    """Its value."""
    keep: Duration = 600.0
    """How long the table is used before it is read again."""
    missing: Literal["reject", "create"] = "reject"
    """What a name is that the table lacks, after it was read again: the record is rejected, or the entry is made by ``create``."""
    create: NewEntry | None = Field(default=None)
    """How an entry is made, with ``missing: create``."""

    @model_validator(mode="after")
    def _says_how_it_creates(self) -> Self:
        if (self.missing == "create") != (self.create is not None):
            raise ValueError("expected missing: create and create: {request, value} together, or neither")
        return self
