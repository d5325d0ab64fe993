"""An adapter file: how an API is spoken. Few words; every one is generic, none belongs to a vendor.

Two rules tell what a string means. Text on the wire's outside (URLs, headers, query and form values) is a *template*: it stands
for itself, with Jinja inserts. A body and everything that reads an answer is an *expression*, as in mappings: JMESPath, or
Jinja when it contains ``{{``; constants are written ``{value: …}``, and numbers, true, false and null stand for themselves.

Names that requests see, in templates and expressions:
    options, auth (the system's settings), token (the sign-in's answer, and value), object, operation, batch {id}, key {name},
    deliveries [...] (each with the names below)
and inside ``each``, and everywhere in a request that carries one record:
    payload, key {name, value}, record {kind, id}, delivery {id, unique_id, attempt}, vendor_id (absent where it is not known),
    position (from 0, in this request), steps {<name>: {done, element}} (what earlier steps came to), next (of the page before,
    from the second page on), tables {<name>: {…}} (in requests of operations; a name that a table lacks makes no request)
Requests of a job see job {id, what its start keeps}, and ``deliveries`` only where they carry the records.
``when`` of a step and of a job, and ``group`` of a batch see a record, options, object and operation: nothing has been signed in yet.
Names that answers see: ``each``, ``code`` and ``message`` of a request are read from the body (``@``), the rest of a reader from
one element; a Jinja expression there sees ``element`` and headers {in lower case} besides object, operation, options and
key {name}. ``with`` sees what ``each`` of a request sees. ``wait`` and ``vendor_id`` of a rule see headers {in lower case},
status, code, message, body, element.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal, Self, cast, get_args

from pydantic import ConfigDict, Field, model_validator

from syncflow.config.models.base import Model, elsewhere
from syncflow.config.models.finder import RecordFinder
from syncflow.config.models.lookup_table import LookupTable
from syncflow.config.models.operation import Operation
from syncflow.config.models.request import Request
from syncflow.config.models.schema import ObjectType
from syncflow.config.models.sign_in import SignIn
from syncflow.config.scalars import (
    Boolean,
    Count,
    Expr,
    FilePath,
    JsonValue,
    Name,
    SomeTime,
    Template,
    Text,
    Written,
)
from syncflow.events import Action

if TYPE_CHECKING:
    from syncflow.config.models.contracts import AdapterTest
else:  # of no use to a run
    AdapterTest = elsewhere("syncflow.config.models.contracts", "AdapterTest")

Then = Literal[
    "delivered",
    "already_done",
    "retry",
    "throttle",
    "park",
    "reauthenticate",
    "reject",
    "split",
    "stop",
    "in_doubt",
    "next",
    "adopt",
]


class Option(Model):
    """A setting of the adapter that a system may give under ``options:``."""

    type: Literal["text", "integer", "boolean", "list", "map"] = "text"
    """What the option takes."""
    default: Written = None
    """Used where the system says nothing; without it the option must be given."""
    options: tuple[Text, ...] | None = None
    """The allowed values, of a list those of its entries; any where left out."""
    description: Text = ""
    """What it is for."""


class Limit(Model):
    """One window, a bound on what is in flight, or how answers tell what is left of a quota."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [
                {"required": ["requests", "per"], "not": {"required": ["wait"]}},
                {"required": ["in_flight"], "not": {"anyOf": [{"required": ["wait"]}, {"required": ["only"]}]}},
                {"required": ["remaining"], "not": {"required": ["only"]}},
            ]
        }
    )

    requests: Count | None = None
    """Most requests within ``per``."""
    per: SomeTime | None = None
    """The length of the window."""
    in_flight: Count | None = None
    """Most requests that wait for an answer at once."""
    only: Name | None = None
    """The group of requests it is for (``limit:`` of a request); every request where left out."""
    remaining: Expr | None = None
    """How many requests an answer says are left, over headers, status and body; when none is, everything waits."""
    wait: Expr | None = None
    """With ``remaining``: how long, written as in an outcome; 1m where left out."""

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        kinds = [
            self.requests is not None and self.per is not None,
            self.in_flight is not None,
            self.remaining is not None,
        ]
        if kinds.count(True) != 1 or (self.wait is not None and self.remaining is None):
            raise ValueError("expected one of {requests, per}, {in_flight}, {remaining, wait}")
        if self.only is not None and self.requests is None:
            raise ValueError("expected only beside {requests, per}: the others hold for the whole system")
        return self


class TextRules(Model):
    """What the other side makes of text; a field of an object may say otherwise."""

    trim: Boolean = False
    """It drops blanks around text: keys are the same without them, and blanks alone do not fill a required field."""
    case_sensitive: Boolean = True
    """Whether keys that differ in case are different records."""
    unicode: Literal["NFC", "NFKC"] | None = None
    """The Unicode form in which it compares keys; left out: as they are."""
    separator: Text | None = Field(default=None, min_length=1)
    """What joins several options of a field to one text; left out: they are sent as a list."""


class AdapterObject(Model):
    """An object of the other side."""

    fields: FilePath | None = None
    """The file of its fields, relative to this one. Left out: any field is taken, as the project may describe it in objects/."""
    keys: tuple[Text, ...] = ()
    """Fields that may be a mapping's key here; a project's unique fields may be too."""
    operations: dict[Action, Operation] = Field(default_factory=dict)
    """What can be done with a record of this object, in place of all of the adapter's ``operations``."""


class FieldReader(Model):
    """How the other side describes an object: a harmless read, and what each of the fields in its answer says of itself."""

    request: Request
    """What is asked; it sees ``object``."""
    each: Expr
    """The list of fields, in the body."""
    name: Expr = "name"
    """The name that requests use, in one field. What follows reads one field too, and is as in an object file."""
    type: Expr = "type"
    """Their word for its type."""
    types: dict[Text, ObjectType] = Field(default_factory=dict)
    """Their word → ours; text for any other."""
    label: Expr | None = None
    """Its name for people."""
    length: Expr | None = None
    """Most characters."""
    required: Expr | None = None
    """Whether it must be given on create."""
    read_only: Expr | None = None
    """Whether only the other side sets it."""
    create_only: Expr | None = None
    """Whether it may be given on create only."""
    options: Expr | None = None
    """The allowed values, as a list; null: any."""
    unique: Expr | None = None
    """Whether no two records share a value."""
    key: Expr | None = None
    """Whether it may be a key although it is not unique."""
    case_sensitive: Expr | None = None
    """Whether keys that differ in case are different records."""


class ReadBatch(Model):
    """How many records are asked for at once."""

    records: Count = 1
    """Most records in a request."""


class RecordReader(Model):
    """How records are read back by their keys: a harmless read, and where what it found stands in its answer."""

    request: Request
    """What is asked; it sees what a request of an operation sees, ``fields`` (the names that are wanted) and ``key_name``."""
    batch: ReadBatch = Field(default_factory=ReadBatch.model_construct)
    """How many records are asked for at once; a request for one sees ``key.value``, one for several ``deliveries``."""
    each: Expr
    """The list of records found, in the body."""
    fields: Expr | None = None
    """The fields of one of them, its key among them; left out: the record itself. A field that is not in it cannot be compared."""
    missing: tuple[Count, ...] = ()
    """Statuses that say that nothing was found; a record that is in no list was not found either."""


class ErrorReader(Model):
    """Where an error body says what went wrong; both read from the body."""

    code: Expr | None = None
    """The code that outcome rules compare."""
    message: Expr | None = None
    """What went wrong, for people and for outcome rules."""


class OutcomeRule(Model):
    """If all that is named here fits, then this is what it means. The first rule that fits decides.

    Rules judge requests (a status that is not 2xx) and single records (what a reader calls a failure) alike.
    """

    status: Any = None
    """A status, ``5xx``, or a list of these."""
    code: Any = None
    """A code or a list of codes, compared as text."""
    message: Text | None = None
    """A pattern (RE2) to be found in the message."""
    header: dict[Text, Text] = Field(default_factory=dict)
    """header → pattern (RE2) to be found in it."""
    operation: Action | None = None
    """Only for this operation."""
    when: Expr | None = None
    """Only where this is true, over what ``vendor_id`` sees and ``key.name``: ``contains(message, key.name)``."""
    then: Then
    """What it means."""
    wait: Expr | None = None
    """How long, where the answer has no usable Retry-After: a duration (10s), or an expression that gives seconds, a duration, a
    time in seconds since the epoch or an HTTP date: ``headers."x-reset"``."""
    until: Literal["midnight"] | None = None
    """With ``park``: nothing is sent before."""
    zone: Template = "UTC"
    """Whose midnight."""
    vendor_id: Expr | None = None
    """The record's id there, where the refusal tells it: ``find(message, 'ID: ([0-9]+)')``. With ``adopt`` it may be a list of ids."""


class CheckAnswer(Model):
    """How the answer of a check is read."""

    ok: Expr | None = None
    """Over the body; where it is not true, the system refuses us, regardless of the status. Left out: no ``ok`` of an
    operation may be false."""
    body: Literal["json", "any"] = "json"
    """``any``: an answer that is not JSON is good too."""


class Check(Request):
    """A harmless read that proves address and credentials."""

    answer: CheckAnswer = Field(default_factory=CheckAnswer.model_construct)
    """How the answer is read; outcome rules that name its code count too."""


class AdapterFile(Model):
    """How an API is spoken."""

    adapter: Name
    """Its name; that of the file."""
    description: Text = ""
    """What it speaks to, for people."""
    base_url: Template
    """The address that paths are added to; a system may give its own."""
    options: dict[Name, Option] = Field(default_factory=dict)
    """Settings that a system may give under ``options:``."""
    auth: dict[Name, SignIn] = Field(default_factory=dict)
    """The ways to sign in, by name; the settings that a system gives pick one."""
    path: Template = ""
    """What the path of every request starts with, sign-in aside."""
    headers: dict[Text, Template] = Field(default_factory=dict)
    """Headers of every request."""
    limits: tuple[Limit, ...] = ()
    """What the other side allows."""
    timeout: SomeTime = 30.0
    """How long a request may take."""
    values: Literal["json", "text"] = "json"
    """``text``: every value of a payload is sent as text (true → "true", 42 → "42")."""
    texts: TextRules = Field(default_factory=TextRules.model_construct)
    """What the other side makes of text: how keys are compared, and what counts as blank."""
    clear: JsonValue = None
    """How a field is cleared: what is sent for null."""
    objects: dict[Text, AdapterObject]
    """The objects that mappings may have as target."""
    operations: dict[Action, Operation] = Field(default_factory=dict)
    """What can be done with a record; an object may have operations of its own in place of these."""
    tables: dict[Name, LookupTable] = Field(default_factory=dict)
    """Names of the other side and their ids, read once for all deliveries: ``lookup(payload.stage, tables.stages)``."""
    errors: ErrorReader = Field(default_factory=ErrorReader.model_construct)
    """Where an error body says what went wrong."""
    outcomes: tuple[OutcomeRule, ...] = ()
    """What answers mean; the first rule that fits decides."""
    describe: FieldReader | None = None
    """How the fields of an object are read: for ``syncflow schema pull`` and ``syncflow validate --online``."""
    read: RecordReader | None = None
    """How records are read back by their keys: for ``syncflow plan --online``."""
    find: RecordFinder | None = None
    """How records are looked for by a field that is not their key: for mappings with ``adopt``."""
    tests: tuple[AdapterTest, ...] = ()
    """Examples that ``syncflow adapters check`` runs."""
    check: Check | None = None
    """A harmless read that proves address and credentials."""

    @model_validator(mode="after")
    def _every_object_has_operations(self) -> Self:
        idle = [name for name, each in self.objects.items() if not each.operations]
        if not self.operations and (idle or not self.objects):
            whose = f"of {', '.join(idle)}" if idle else "of the adapter"
            raise ValueError(f"expected operations {whose}: what can be done with a record")
        return self

    @model_validator(mode="after")
    def _carriers_are_there(self) -> Self:
        for name, action, operation in self.carried_operations():
            carrier, by = self.carrier_of(name, action, operation), operation.with_
            if carrier is None or carrier.with_ is not None:
                raise ValueError(f"expected an operation with a request of its own in `with: {by}` of {action}")
            if carrier.job is not None:
                raise ValueError(f"expected no job in {by}, whose requests carry the records of another operation")
            if carrier.repeat != operation.repeat:
                raise ValueError(f"expected repeat: {carrier.repeat} beside `with: {by}`: the request is the same")
        return self

    @model_validator(mode="after")
    def _adopts_what_it_finds(self) -> Self:
        if self.find is None and any(rule.then == "adopt" for rule in self.outcomes):
            raise ValueError("expected find beside an outcome that adopts: how what is there is looked for")
        return self

    @model_validator(mode="after")
    def _only_deletes_keep(self) -> Self:
        for _, action, operation in self.all_operations():
            if operation.keeps and action != "delete":
                raise ValueError(f"expected keeps only in delete: {action} has the payload itself")
        return self

    @property
    def describes(self) -> bool:
        """Whether the other side can be asked for the fields of an object."""
        return self.describe is not None

    @property
    def speaks_http(self) -> bool:
        """Whether it is requests that it describes."""
        return True

    def operations_of(self, object_name: str) -> dict[Action, Operation]:
        """Return what can be done with a record of an object; of one that the file does not name, what the adapter can."""
        found = self._written_for(object_name)
        return {action: self._whole(object_name, action, operation) for action, operation in found.items()}

    def _written_for(self, object_name: str) -> dict[Action, Operation]:
        own = self.objects.get(object_name)
        return own.operations if own is not None and own.operations else self.operations

    def _whole(self, object_name: str, action: Action, operation: Operation) -> Operation:
        """Return an operation with the requests of the one that carries its records."""
        carrier = None if operation.with_ is None else self.carrier_of(object_name, action, operation)
        if carrier is None:
            return operation
        return carrier.model_copy(update={"every": operation.every, "keeps": operation.keeps, "with_": operation.with_})

    def carrier_of(self, object_name: str, action: Action, operation: Operation) -> Operation | None:
        """Return the operation whose requests carry the records of another one."""
        where, by = carrier_place(operation.with_ or "", action)
        if where and where not in self.objects:
            return None
        return self._written_for(where or object_name).get(by)

    def place_of_carrier(self, object_name: str, action: Action, operation: Operation) -> tuple[str | int, ...]:
        """Return where the operation stands whose requests carry the records of another one."""
        where, by = carrier_place(operation.with_ or "", action)
        own = self.objects.get(where or object_name)
        return (
            ("objects", where or object_name, "operations", by)
            if own is not None and own.operations
            else ("operations", by)
        )

    def carrying_operations(self) -> set[tuple[str | int, ...]]:
        """Return the places of the operations whose requests carry records of others."""
        return {self.place_of_carrier(*each) for each in self.carried_operations()}

    def carried_operations(self) -> Iterator[tuple[str, Action, Operation]]:
        """Yield the operations whose records go in requests of another one, and the object where they stand; empty: the adapter."""
        for name, operations in (
            ("", self.operations),
            *((name, each.operations) for name, each in self.objects.items()),
        ):
            for action, operation in operations.items():
                if operation.with_ is not None:
                    yield name, action, operation

    def all_operations(self) -> Iterator[tuple[tuple[str | int, ...], Action, Operation]]:
        """Yield every operation with requests, and the place where it stands: the adapter's, then those of its objects."""
        for action, operation in self.operations.items():
            if operation.with_ is None:
                yield ("operations", action), action, operation
        for name, each in self.objects.items():
            for action, operation in each.operations.items():
                if operation.with_ is None:
                    yield ("objects", name, "operations", action), action, operation


def carrier_place(by: str, action: Action) -> tuple[str, Action]:
    """Return what ``with`` names: an object (empty: the same one) and an operation."""
    name, _, other = by.rpartition("/")
    if other in get_args(Action):
        return name, cast(Action, other)
    return by, action
