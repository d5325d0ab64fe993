"""The ``tests:`` of an adapter: records to be sent, the exact requests, scripted answers, and what becomes of each record."""

from typing import Literal, Self

from pydantic import Field, model_validator

from syncflow.config.models.base import Model
from syncflow.config.scalars import Integer, JsonValue, Name, Number, Text, Written
from syncflow.events import Action

_METHODS = ("get", "post", "put", "patch", "delete")


class ExpectedRequest(Model):
    """What a request is; what is not named is not compared."""

    method: Text | None = None
    """Its method."""
    path: Text | None = None
    """Its path, counted from the system's address."""
    get: Text | None = None
    """``get: /people`` is ``method: GET, path: /people``, and so on."""
    post: Text | None = None
    """A POST of this path."""
    put: Text | None = None
    """A PUT of this path."""
    patch: Text | None = None
    """A PATCH of this path."""
    delete: Text | None = None
    """A DELETE of this path."""
    query: dict[Text, Text] | None = None
    """What follows the question mark, all of it."""
    headers: dict[Text, Text] = Field(default_factory=dict)
    """Some of its headers."""
    json_body: JsonValue = Field(default=None, alias="json")
    """Its body as JSON."""
    text: Text | None = None
    """Its body as text."""

    @model_validator(mode="after")
    def _named_once(self) -> Self:
        given = [name for name in _METHODS if getattr(self, name) is not None]
        if len(given) > 1 or (given and (self.method is not None or self.path is not None)):
            raise ValueError(f"expected one of method and path, {', '.join(_METHODS)}; found {', '.join(given)}")
        return self

    @property
    def line(self) -> tuple[str | None, str | None]:
        """The method in capitals, and the path; None for what is not compared."""
        for name in _METHODS:
            if (path := getattr(self, name)) is not None:
                return name.upper(), path
        return self.method and self.method.upper(), self.path


class ScriptedAnswer(Model):
    """What comes back."""

    status: Integer = 200
    """The status."""
    headers: dict[Text, Text] = Field(default_factory=dict)
    """Headers."""
    json_body: JsonValue = Field(default=None, alias="json")
    """The body, as JSON."""
    text: Text | None = None
    """The body, as it is."""
    fail: Literal["refused", "lost", "slow"] | None = None
    """Nothing comes back: no connection, silence after sending, or no answer in time."""


class Exchange(Model):
    """One request and its answer."""

    sent: ExpectedRequest = Field(default_factory=ExpectedRequest.model_construct)
    """What is expected to be sent."""
    got: ScriptedAnswer = Field(default_factory=ScriptedAnswer.model_construct)
    """What is answered."""


class SentRecord(Model):
    """A record to be delivered."""

    key: Text | None = None
    """The key's value; K1, K2 … where left out."""
    payload: dict[Text, JsonValue] = Field(default_factory=dict)
    """What a mapping made of it."""
    vendor_id: Text | None = None
    """The record's id there, if it is known."""


class ExpectedOutcome(Model):
    """What becomes of a record; what is not named is not compared."""

    verdict: Literal["delivered", "already_done", "retry", "rejected", "in_doubt"]
    """How the attempt ended."""
    code: Text | None = None
    """The code of the refusal."""
    message: Text | None = None
    """Words of its message."""
    vendor_id: Text | None = None
    """The record's id there."""
    wait: Number | None = None
    """With retry: seconds."""


class AdapterTest(Model):
    """Records → the exact requests; answers → the outcome of every record. ``syncflow adapters check`` runs it."""

    name: Text
    """What it shows."""
    operation: Action = "upsert"
    """What is asked for."""
    object: Text | None = None
    """The object; the adapter's first where left out."""
    key_name: Text | None = None
    """The key field; the object's first where left out."""
    adopt: tuple[Text, ...] = ()
    """Fields by which records are looked for first, as a mapping says it; their values are compared without regard to case."""
    auth: dict[Name, Text] = Field(default_factory=dict)
    """Settings to sign in with; made up where left out, and the token with them."""
    options: dict[Name, Written] = Field(default_factory=dict)
    """The adapter's options."""
    records: tuple[SentRecord, ...] = Field(default_factory=lambda: (SentRecord.model_construct(),))
    """What is sent."""
    exchange: tuple[Exchange, ...] = ()
    """The requests and their answers, in turn; the made-up sign-in is not listed."""
    outcomes: tuple[ExpectedOutcome | Literal["delivered", "already_done", "retry", "rejected", "in_doubt"], ...] = ()
    """What becomes of each record."""
    signal: Literal["throttle", "park", "split", "stop"] | None = None
    """What the last answer says of the whole system; with split the outcomes are not compared."""
