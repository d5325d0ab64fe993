"""What the other side says of an object's fields, read as the adapter describes. Pure."""

from __future__ import annotations

from pydantic import ValidationError

from syncflow.compiler.wire.expression_input import as_text
from syncflow.compiler.wire.plans import DescribePlan, ReadPlan
from syncflow.config.models.schema import ObjectField
from syncflow.errors import DataError
from syncflow.events import Item, Json

_TEXTS = frozenset({"label"})


def read_fields(plan: DescribePlan, body: Json) -> dict[str, ObjectField]:
    """Return the fields that an answer describes, by name.

    Raises:
        DataError: it does not have the shape that the adapter says.
    """
    listed = plan.each(body)
    if not isinstance(listed, list) or not listed:
        raise DataError(f"{plan.request.place}: the answer has no list of fields where `each` looks for one")
    return dict(sorted(_field(plan, element) for element in listed))


def read_records(plan: ReadPlan, body: Json) -> list[Item]:
    """Return the fields of the records that an answer lists.

    Raises:
        DataError: it does not have the shape that the adapter says.
    """
    listed = plan.each(body)
    if listed is None:
        return []
    if not isinstance(listed, list):
        raise DataError(f"{plan.request.place}: the answer has no list of records where `each` looks for one")
    found = [element if plan.fields is None else plan.fields(element) for element in listed]
    if not all(isinstance(fields, dict) for fields in found):
        raise DataError(f"{plan.request.place}: a record has no fields where `fields` looks for them")
    return [fields for fields in found if isinstance(fields, dict)]


def _field(plan: DescribePlan, element: Json) -> tuple[str, ObjectField]:
    name = plan.name(element)
    if not isinstance(name, str) or not name:
        raise DataError(f"{plan.request.place}: a field has no name where `name` looks for one")
    told = {trait: value(element) for trait, value in plan.traits}
    traits = {trait: _trait(trait, value) for trait, value in told.items() if value not in (None, [], "")}
    kind = plan.types.get(as_text(plan.type(element)), "text")
    try:
        return name, ObjectField.model_validate({"type": kind, **traits})
    except ValidationError as error:
        wrong = ", ".join(str(part) for found in error.errors(include_input=False) for part in found["loc"][:1])
        raise DataError(
            f"{plan.request.place}: what the answer says of the field {name} cannot be read: {wrong}"
        ) from None


def _trait(trait: str, value: Json) -> Json:
    if trait == "options" and isinstance(value, list):
        return [as_text(option) for option in value]
    return as_text(value) if trait in _TEXTS else value
