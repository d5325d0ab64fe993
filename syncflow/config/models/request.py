"""A request of an adapter file: what is sent, and the words that a person may look for in vain."""

from collections.abc import Collection
from typing import Any, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from syncflow.config.models.base import Model, exactly_one
from syncflow.config.scalars import Boolean, Expr, Name, Template, Text

_NOT_SPOKEN = {
    "xml": "XML bodies are not spoken: a request has a json, form or csv body",
    "graphql": "GraphQL is not spoken as such: send json with a `query` and its `variables`, where the other side takes that",
    "poll": "what is asked after again and again is a job: `poll` stands in `job` of an operation",
    "job": "a job stands in an operation, in place of its request or beside it",
}
"""Words that a person may look for, and why they are not here."""


class CsvCells(Model):
    """How a table is written as CSV (RFC 4180)."""

    delimiter: Literal["comma", "semicolon", "pipe", "tab"] = "comma"
    """What stands between two cells."""
    line_end: Literal["lf", "crlf"] = "lf"
    """What ends a line."""
    empty: Text = ""
    """What is written for null and for an empty text, such as ``#N/A``; a column that a record does not have stays blank."""


class Request(Model):
    """One HTTP request: exactly one of the five methods, with its path or URL."""

    model_config = ConfigDict(json_schema_extra=exactly_one("get", "post", "put", "patch", "delete"))

    get: Template | None = None
    """GET this path, or this URL."""
    post: Template | None = None
    """POST this path, or this URL."""
    put: Template | None = None
    """PUT this path, or this URL."""
    patch: Template | None = None
    """PATCH this path, or this URL."""
    delete: Template | None = None
    """DELETE this path, or this URL."""
    path: Template | None = None
    """What the path starts with, in place of the adapter's ``path``."""
    query: dict[Text, Template] = Field(default_factory=dict)
    """What follows the question mark."""
    headers: dict[Text, Template] = Field(default_factory=dict)
    """Headers besides the adapter's own."""
    json_body: Any = Field(default=None, alias="json")
    """A tree whose strings are expressions; ``{each: …}`` makes a list with one entry per record; ``{value: …}`` is a constant."""
    form: dict[Text, Template] | Expr | None = None
    """A form-encoded body, in place of ``json``: fields with templates, or an expression that makes an object (``form: payload``): null
    leaves a field out, and what is nested is named ``address[city]``, ``tags[0]``."""
    csv: Any = None
    """A table in place of ``json``, written as a tree that makes a list of flat objects: ``{each: {Email: payload.email}}``."""
    cells: CsvCells = Field(default_factory=CsvCells)
    """How the cells of ``csv`` are written."""
    ndjson: Any = None
    """Lines of JSON in place of ``json``: a tree that makes a list, each of whose entries is a line."""
    sign: dict[Text, Template] = Field(default_factory=dict)
    """Headers that are made when the request is sent: they also see ``body`` (its text) and ``sent_at`` (seconds since the epoch)."""
    gzip: Boolean = False
    """Whether the body is sent compressed (``Content-Encoding: gzip``)."""
    limit: Name | None = None
    """The group of limits (``only:``) that this request counts against, besides the general ones."""

    @model_validator(mode="before")
    @classmethod
    def _only_spoken(cls, data: Any) -> Any:
        return refuse_unspoken(data)

    @model_validator(mode="after")
    def _one_method(self) -> Self:
        given = [name for name in ("get", "post", "put", "patch", "delete") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(
                f"expected exactly one of get, post, put, patch, delete; found {', '.join(given) or 'none'}"
            )
        bodies = [name for name in _BODIES if getattr(self, _ALIASES.get(name, name)) is not None]
        if len(bodies) > 1:
            raise ValueError(f"expected at most one of {', '.join(_BODIES)}; found {', '.join(bodies)}")
        if self.csv is None and "cells" in self.model_fields_set:
            raise ValueError("expected cells only beside csv")
        return self

    @property
    def method(self) -> str:
        return next(name for name in ("get", "post", "put", "patch", "delete") if getattr(self, name) is not None)

    @property
    def url(self) -> str:
        return str(getattr(self, self.method))


_BODIES = ("json", "form", "csv", "ndjson")
_ALIASES = {"json": "json_body"}


def refuse_unspoken(data: Any, *, spoken: Collection[str] = ()) -> Any:
    """Say of a word that is no key here why it is none; ``spoken`` are keys of this place."""
    for word in data if isinstance(data, dict) else ():
        if word in _NOT_SPOKEN and word not in spoken:
            raise ValueError(_NOT_SPOKEN[word])
    return data
