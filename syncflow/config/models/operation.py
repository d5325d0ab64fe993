"""An operation of an adapter: one request, several steps that have one outcome, or a job.

A step sends a request, or decides without one.
"""

from typing import Any, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from syncflow.config.models.answer import Answer
from syncflow.config.models.base import Model, exactly_one
from syncflow.config.models.job import Job
from syncflow.config.models.request import Request, refuse_unspoken
from syncflow.config.scalars import Boolean, Count, Duration, Expr, Name, SomeSize, Template, Text

Repeat = Literal["safe", "by_key_header", "by_lookup", "unsafe"]
Decided = Literal["already_done", "reject", "retry"]


_OF_A_REQUEST = ("for_", "most", "reads", "records", "remember", "answer")
_OF_A_DECISION = ("else_", "message", "code", "wait")


class Step(Model):
    """One request of several, which sees what earlier ones found; or, with ``then`` or ``require``, an outcome without a request.

    A record whose last fitting step succeeded is delivered, if that step is one that writes. ``when`` picks the records it is for.
    """

    model_config = ConfigDict(json_schema_extra=exactly_one("request", "then", "require"))

    name: Name | None = None
    """How later steps refer to it."""
    when: Expr | None = None
    """Which records it is for; all where left out."""
    for_: Expr | None = Field(default=None, alias="for")
    """A list: one request for each element of it, in turn, which sees it as ``entry`` and its place as ``entry_index``."""
    most: Count | None = None
    """With ``for``: most elements, 100 where left out; a record that has more is rejected before any of them is sent."""
    reads: Boolean | None = None
    """Whether it only looks, so that it cannot deliver anything. Left out: GET looks, every other method writes."""
    records: Count | None = None
    """Most records in one request of this step; more are sent in parts. Left out: the whole batch."""
    remember: Duration | None = None
    """How long what it found of a record is known without asking again; only for a step that looks."""
    request: Request | None = None
    """What is sent."""
    answer: Answer = Field(default_factory=Answer.model_construct)
    """How the answer is read."""
    then: Decided | None = None
    """What a record comes to without a request. ``already_done`` is *delivered* where an earlier step has written."""
    require: Expr | None = None
    """What must be true of a record; where it is not, ``else`` says what becomes of it."""
    else_: Decided | None = Field(default=None, alias="else")
    """With ``require``: ``reject`` where left out."""
    message: Template | None = None
    """What the dead letter says; a step that rejects must have it."""
    code: Name | None = None
    """The code of the outcome. Left out: ``required`` for ``require``, else the word after ``then``."""
    wait: Duration | None = None
    """With ``retry``: not sooner."""

    @model_validator(mode="before")
    @classmethod
    def _only_spoken(cls, data: Any) -> Any:
        return refuse_unspoken(data)

    @property
    def looks(self) -> bool:
        if self.request is None:
            return True
        return self.request.method == "get" if self.reads is None else self.reads

    @property
    def decided(self) -> Decided | None:
        """What a record comes to by a step without a request."""
        return self.then if self.require is None else self.else_ or "reject"

    @model_validator(mode="after")
    def _is_one_kind(self) -> Self:
        kinds = [name for name in ("request", "then", "require") if getattr(self, name) is not None]
        if len(kinds) != 1:
            raise ValueError(f"expected exactly one of request, then, require; found {', '.join(kinds) or 'none'}")
        others = _OF_A_DECISION if self.request is not None else _OF_A_REQUEST
        for name in others:
            if name in self.model_fields_set and getattr(self, name) is not None:
                raise ValueError(f"expected no {name.rstrip('_')} on a step with {kinds[0]}")
        return self

    @model_validator(mode="after")
    def _remembers_what_it_saw(self) -> Self:
        if self.remember is not None and not self.looks:
            raise ValueError("expected remember only on a step that looks (GET, or reads: true)")
        return self

    @model_validator(mode="after")
    def _ignores_what_it_saw(self) -> Self:
        if self.answer.strangers == "ignore" and not self.looks:
            raise ValueError("expected strangers only in the answer of a step that looks (GET, or reads: true)")
        return self

    @model_validator(mode="after")
    def _is_for_each_of_one_record(self) -> Self:
        if self.for_ is None:
            if self.most is not None:
                raise ValueError("expected most only beside for")
        elif self.remember is not None:
            raise ValueError("expected no remember beside for: what is found belongs to one element")
        elif self.records not in (None, 1):
            raise ValueError("expected no records beside for: each request carries one element of one record")
        return self

    @model_validator(mode="after")
    def _decides_with_words(self) -> Self:
        if self.then is not None and self.else_ is not None:
            raise ValueError("expected else only beside require")
        if self.decided == "reject" and self.message is None:
            raise ValueError("expected message: what the dead letter says")
        if self.wait is not None and self.decided != "retry":
            raise ValueError("expected wait only beside retry")
        return self


def _request_steps_or_job(schema: dict[str, Any]) -> None:
    one = exactly_one("request", "steps", "with")["oneOf"]
    none = {"not": {"anyOf": one}, **exactly_one("job")["oneOf"][0]}
    schema["oneOf"] = [*one, none]


class OperationBatch(Model):
    """How many records share a request."""

    records: Count = 1
    """The vendor's most."""
    bytes: SomeSize | None = None
    """Most bytes of one request, the wrapped body or, without one, the URL; what is larger is sent in parts."""
    group: Expr | None = None
    """Records with different values of this never share a request."""


class Operation(Model):
    """What is done for upsert, create, update or delete: one request, or several steps; beside or in place of them, a job."""

    model_config = ConfigDict(json_schema_extra=_request_steps_or_job)

    repeat: Repeat
    """What a second sending does: nothing more (safe), nothing more thanks to a key in a header or a look-up, or harm (unsafe)."""
    replaces: Boolean = False
    """Whether the request writes the whole record, so that a field that is left out is cleared there."""
    every: Boolean = False
    """Whether the other side keeps what each delivery says, as it keeps messages and events, and not the last state alone: then none is
    left out because a later one of its record waits behind it."""
    keeps: tuple[Text, ...] = ()
    """Of a delete: fields of the record's last payload that it needs beside the key, such as ``[list_id]``. They are its ``payload``."""
    batch: OperationBatch = Field(default_factory=OperationBatch.model_construct)
    """How many records share a request."""
    request: Request | None = None
    """What is sent."""
    answer: Answer = Field(default_factory=Answer.model_construct)
    """How the answer is read."""
    steps: tuple[Step, ...] = ()
    """Several requests, in turn."""
    with_: Text | None = Field(default=None, alias="with")
    """In place of a request: the operation whose requests carry these records too: ``person`` (the same operation of that object),
    ``upsert`` (that of the same object), or ``person/upsert``."""
    job: Job | None = None
    """Records that are handed over together and worked on for a while. Beside a request or steps: for many records (``from``)."""

    @model_validator(mode="before")
    @classmethod
    def _only_spoken(cls, data: Any) -> Any:
        return refuse_unspoken(data, spoken=("job",))

    @property
    def sending(self) -> tuple[tuple[int, Step], ...]:
        """The steps that send a request, with their places."""
        return tuple((index, step) for index, step in enumerate(self.steps) if step.request is not None)

    @property
    def answers(self) -> list[Answer]:
        """How the answer to each request is read, in turn."""
        return [self.answer] if self.request is not None else [step.answer for _, step in self.sending]

    @model_validator(mode="after")
    def _is_carried_by_another(self) -> Self:
        if self.with_ is not None:
            for name in ("request", "steps", "job", "batch", "answer", "replaces"):
                if name in self.model_fields_set:
                    raise ValueError(f"expected no {name} beside with: the operation that it names has it")
        return self

    @model_validator(mode="after")
    def _request_or_steps(self) -> Self:
        if self.request is not None and self.steps:
            raise ValueError("expected either request or steps")
        if self.answer.strangers == "ignore":
            raise ValueError("expected strangers only in the answer of a step that looks (GET, or reads: true)")
        if self.request is None and not self.steps and self.job is None and self.with_ is None:
            raise ValueError("expected either request or steps, or a job")
        if self.job is not None and self.request is None and not self.steps:
            if self.job.when is not None:
                raise ValueError("expected request or steps beside when of a job: how the other records go")
            if self.job.from_ is not None:
                raise ValueError("expected request or steps beside from of a job: how fewer records go")
        return self
