"""The ``tests:`` of mappings and routes: examples that ``syncflow test`` runs."""

from typing import Self

from pydantic import ConfigDict, Field, model_validator

from syncflow.config.models.base import Model
from syncflow.config.scalars import Boolean, JsonValue, Text
from syncflow.events import Action, Stage


class Surroundings(Model):
    """What an example fixes of the world outside, so that it comes out the same every time."""

    now: Text = "2026-01-01T00:00:00Z"
    """What ``now()`` gives."""
    uuid: Text | tuple[Text, ...] = ()
    """What ``uuid()`` gives, or a list of what it gives in turn; afterwards 00000000-0000-4000-8000-000000000001 and on."""


class ErrorExpectation(Model):
    """A dead letter, as far as it is named here."""

    stage: Stage | None = None
    """Where it was given up: source, schema, route, mapping."""
    code: Text | None = None
    """Its code, as ``syncflow dlq list`` shows it."""
    reason: Text | None = None
    """Some of the words that say why."""
    route: Text | None = None
    """The route that it is about."""


class MappingTest(Surroundings):
    """An example: given this event, expect this payload (or a part of it)."""

    name: Text
    """What it shows."""
    given: JsonValue
    """An event, or the parts of it that matter: {item: {…}}. Record, operation (create) and timestamp are filled in."""
    expect: JsonValue
    """Fields of the payload; those that are not named are not compared. {phone: {unreadable: true}}: empty,
    because a conversion cannot read the value. Or the dead letter that comes of it: {error: CODE},
    {error: {stage: schema, code: missing, reason: item.id}}."""
    exactly: Boolean = False
    """Whether the payload holds nothing else."""


class RequestExpectation(Model):
    """One request, as far as it is named here."""

    system: Text | None = None
    """The system that it goes to."""
    method: Text | None = None
    """POST, PATCH …"""
    url: Text | None = None
    """How its URL ends."""
    headers: dict[Text, Text] = Field(default_factory=dict)
    """Some of its headers."""
    body: JsonValue = None
    """Its body, or a part of it."""  # whether it was written: model_fields_set


class RouteExpectation(Model):
    """What comes of an event; what is not named is not compared."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    routes: tuple[Text, ...] | None = None
    """The routes that send something because of it, all of them, in any order: [contacts/crm]."""
    operations: dict[Text, Action] = Field(default_factory=dict)
    """route → what is asked of the other side: {contacts/crm: delete}."""
    payloads: dict[Text, JsonValue] = Field(default_factory=dict)
    """route → fields of the payload."""
    requests: tuple[RequestExpectation, ...] | None = None
    """The requests that it causes, all of them, in their order."""
    ignored: Boolean = False
    """Whether it is ignored."""
    error: Text | ErrorExpectation | None = None
    """The code of the dead letter that it becomes, or what is known of it: {stage: schema, code: missing, reason: item.id}."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError(f"expected at least one of {', '.join(type(self).model_fields)}")
        return self


class RouteTest(Surroundings):
    """An example: given this event, or these one after another, expect this of the last one."""

    name: Text
    """What it shows."""
    given: JsonValue
    """An event as the source gives it, or a list of them: all but the last were delivered before. In the usual envelope,
    record, operation (create) and timestamp are filled in."""
    expect: RouteExpectation
    """What comes of it; of a list, what comes of the last."""
    exactly: Boolean = False
    """Whether payloads and bodies hold nothing else."""
