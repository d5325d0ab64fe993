"""A mapping file: how a record becomes the payload of an object, field by field."""

from typing import Annotated, Any, TypeAlias

from pydantic import BeforeValidator, Discriminator, Field, Tag, WithJsonSchema

from syncflow.config.diagnostics import did_you_mean
from syncflow.config.models.base import Model
from syncflow.config.models.routes import NullRule, UnreadableRule
from syncflow.config.models.trials import MappingTest
from syncflow.config.scalars import Expr, JsonValue, Name, Plain, Text, Unset, refuse, resolve, shaped

_FORMS = "an expression, {value: …} for a constant, or {from: …, table: …, default: …}"


class Constant(Model):
    """``{value: syncflow}``"""

    value: JsonValue
    """Sent as it stands, for every record."""


class Recipe(Model):
    """``{from: item.contact_type, table: {lead: Lead}, default: Other}``"""

    source: Expr = Field(alias="from")
    """The expression whose value is taken."""
    table: dict[Text, JsonValue] | None = None
    """Their value for each of ours."""
    default: JsonValue = None
    """Used where the value is null, absent or unreadable, or not in the table."""  # whether it was written: model_fields_set
    unreadable: UnreadableRule | None = None
    """What becomes of the field where a conversion cannot read its value; left out: as the mapping says."""


class Relation(Recipe):
    """``{Account_Number__c: item.account}``: another record, named by one of its own fields."""

    by: Text
    """The field of the other record."""


def expression_path(name: str, form: str | Constant | Recipe) -> tuple[str, ...]:
    """Return where the expression of a field stands in its file."""
    last = () if not isinstance(form, Recipe) else (form.by,) if isinstance(form, Relation) else ("from",)
    return ("fields", name, *last)


def has_default(form: str | Constant | Recipe) -> bool:
    """Return whether a field says what to take where there is nothing; that may be null."""
    return isinstance(form, Recipe) and "default" in form.model_fields_set


def _form(value: Any) -> str:
    if isinstance(value, str):
        return "=expression"
    if isinstance(value, Relation):
        return "=relation"
    return "=recipe" if isinstance(value, Recipe) or (isinstance(value, dict) and "from" in value) else "=constant"


_WORDS = ("from", "value", "table", "default", "unreadable")


def _relation(value: dict[str, Any]) -> Relation | None:
    """Return what ``{Account_Number__c: item.account}`` says; None where it looks like a word of a field misspelt."""
    if len(value) != 1:
        return None
    [(by, source)] = value.items()
    is_text = isinstance(source, str) and source != "" and isinstance(resolve(source), str)
    if not is_text or by in _WORDS or did_you_mean(str(by), _WORDS):
        return None
    return Relation(by=by, **{"from": source})


def _refuse_other_forms(value: Any) -> Any:
    """Find what is none of the three, and say how it is written."""
    if isinstance(value, Plain) and not isinstance(value, Unset) and not isinstance(resolve(value), str):
        what = "nothing" if value == "" else f"the bare {value}"
        raise refuse(
            f"{what} is no expression",
            expected=_FORMS,
            hint=f"write {{value: {value or 'null'}}} for a constant",
            code="SF207",
        )
    if isinstance(value, dict) and not {"from", "value"} & value.keys():
        relation = _relation(value)
        if relation is not None:
            return relation
        raise refuse(
            "a field is not described like this",
            expected=_FORMS,
            hint="write {value: {…}} if the mapping itself is to be sent",
            code="SF207",
        )
    if not isinstance(value, str | dict | Constant | Recipe):
        raise refuse(
            "a field is not described like this", expected=_FORMS, hint="write {value: …} for a constant", code="SF207"
        )
    return value


_ONE_TEXT = {
    "type": "object",
    "minProperties": 1,
    "maxProperties": 1,
    "additionalProperties": {"type": "string"},
    "propertyNames": {"not": {"enum": list(_WORDS)}},
}
"""What editors are told of a Relation."""

FieldForm: TypeAlias = Annotated[
    Annotated[Expr, Tag("=expression")]
    | Annotated[Constant, Tag("=constant")]
    | Annotated[Recipe, Tag("=recipe")]
    | Annotated[Relation, WithJsonSchema(_ONE_TEXT), Tag("=relation")],
    Discriminator(_form),
    BeforeValidator(_refuse_other_forms),
]


class OwnKey(Model):
    """``{value: item.id}``: a key that is no field of the payload."""

    value: Expr
    """The expression of the key."""
    name: Text = "key"
    """What requests call it (``key.name``): where the adapter names the keys of the object, one of these."""


class MappingFile(Model):
    """How records of one kind become the payload of one object."""

    source: Name
    """The kind of record that is read."""
    target: Text = shaped(r"^[^/\s]+/[^/\s]+$", "adapter/Object, such as crm/Contact")
    """adapter/Object"""
    key: Text | Annotated[tuple[Text, ...], Field(min_length=1)] | OwnKey
    """What identifies the record there: one of ``fields``; a list of these, of which the first that has a value is the record's key; or
    ``{value: item.id}``, which is no field."""
    adopt: tuple[Text, ...] = ()
    """Other fields of ``fields`` by which a record is looked for over there before it is created, in this order; one that is found, and has
    no key yet, gets ours. None: what has another key is another record."""
    fields: dict[Text, FieldForm]
    """Target field → an expression (text), a Constant or a Recipe."""
    nulls: NullRule = "clear"
    """What null does there: ``clear`` empties the field, ``omit`` leaves its old value."""
    unreadable: UnreadableRule | None = None
    """What becomes of a field where a conversion cannot read its value; left out: as the project says."""
    tests: tuple[MappingTest, ...] = ()
    """Examples that ``syncflow test`` runs."""

    @property
    def keys(self) -> tuple[str, ...]:
        """The fields of which one is the key, the preferred first; none where the key is no field."""
        return (self.key,) if isinstance(self.key, str) else self.key if isinstance(self.key, tuple) else ()

    @property
    def key_names(self) -> tuple[str, ...]:
        """What requests may call the key."""
        return (self.key.name,) if isinstance(self.key, OwnKey) else self.keys

    @property
    def key_forms(self) -> dict[str, FieldForm]:
        """By name: what makes the key."""
        if isinstance(self.key, OwnKey):
            return {self.key.name: self.key.value}
        return {name: self.fields[name] for name in self.keys if name in self.fields}
