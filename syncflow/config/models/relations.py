"""What one record refers to in another: that one is to be there first."""

from typing import Annotated, Any

from pydantic import Field, model_validator

from syncflow.config.models.base import Model
from syncflow.config.scalars import Expr, SomeTime, Text


def _or_an_expression(schema: dict[str, Any]) -> None:
    """Tell editors that an expression may stand in place of the whole."""
    whole = dict(schema)
    schema.clear()
    schema["anyOf"] = [{"type": "string"}, whole]


class After(Model):
    """The records of one kind that a record refers to; ``after: {companies: item.company_id}`` is short for ``{id: item.company_id}``."""

    id: Expr
    """The id of the other record, as its own kind tells it, or a list of ids; null: it refers to none."""
    wait: SomeTime = 600.0
    """How long a record that is not there is waited for while events are read; not longer than until the source has ended."""
    without: tuple[Text, ...] = ()
    """Where it does not come, the record is sent without these fields of the target. Left out: it becomes a dead letter."""

    @model_validator(mode="before")
    @classmethod
    def _by_expression(cls, data: Any) -> Any:
        return {"id": data} if isinstance(data, str) else data


Refers = Annotated[After, Field(json_schema_extra=_or_an_expression)]
"""An ``After``, or the expression of its id alone."""
