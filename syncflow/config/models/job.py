"""A job of an adapter: records that are handed over as one table, worked on over there for a while, and told of afterwards."""

from collections.abc import Iterator
from typing import Literal, Self

from pydantic import ConfigDict, Field, model_validator

from syncflow.config.models.answer import Answer
from syncflow.config.models.base import Model
from syncflow.config.models.request import Request
from syncflow.config.scalars import Count, Duration, Expr, Name, SomeSize

_OF_ONE_ANSWER = ("missing", "found", "several", "refusal", "count")


class JobAnswer(Model):
    """How the answer to a request of a job is read that tells nothing of single records."""

    ok: Expr | None = None
    """Over the body; where it is not true, the request was refused, whatever its status says."""
    body: Literal["json", "text", "empty", "any"] = "any"
    """What a good answer is; ``any``: its status says enough."""

    @model_validator(mode="after")
    def _proves_something(self) -> Self:
        if self.body == "text" and self.ok is None:
            raise ValueError("expected ok beside body: text, for which text says that it was taken")
        return self


class JobRequest(Model):
    """A request of a job. It sees ``job`` (``id``, and what ``start`` keeps); one that uploads sees ``deliveries`` too."""

    request: Request
    """What is sent."""
    answer: JobAnswer = Field(default_factory=JobAnswer)
    """How the answer is read."""


class JobStart(Model):
    """The request that makes a job; without ``upload`` it carries the records itself."""

    request: Request
    """What is sent."""
    ok: Expr | None = None
    """Over the body; where it is not true, the request was refused, whatever its status says."""
    id: Expr = "id"
    """What the other side calls the job, read from the body; later requests see it as ``job.id``."""
    keep: dict[Name, Expr] = Field(default_factory=dict)
    """More of the body for later requests, by name: ``keep: {place: uploadPath}`` is read as ``job.place``."""

    @model_validator(mode="after")
    def _keeps_under_free_names(self) -> Self:
        if "id" in self.keep:
            raise ValueError("expected another name than id in keep: that is the job's own")
        return self


class JobPoll(Model):
    """How a job is asked after, and what its answer says. The conditions see the body; none of them true: it is still at work."""

    request: Request
    """A harmless read."""
    every: Duration = Field(default=5.0, gt=0)
    """How long to wait between two askings; a job that has just begun is asked after more often."""
    most: Duration = Field(default=86400.0, gt=0)
    """How long a job may take from its start; one that takes longer is aborted, and its records go again."""
    until: Expr
    """True when it has ended and its results can be read."""
    failed: Expr | None = None
    """True when it ended by a fault; results are read all the same, for some records may have been written before."""
    aborted: Expr | None = None
    """True when somebody stopped it; likewise."""
    open: Expr | None = None
    """True while it still waits for its upload or to be closed. With ``close`` it must be there: it tells what a lost answer left open."""
    code: Expr | None = None
    """Of a job that failed: the code, for the outcome rules."""
    message: Expr | None = None
    """Of a job that failed: why, for people and for the outcome rules."""

    @model_validator(mode="after")
    def _asks_before_it_gives_up(self) -> Self:
        if self.every > self.most:
            raise ValueError(
                "expected every to be no longer than most: the job would be aborted before it is asked after"
            )
        return self


class JobResults(Model):
    """A request that tells what became of records; what it lists as results or failures is settled, later ones tell of the rest."""

    request: Request
    """What is sent."""
    answer: Answer
    """How it is read. ``missing`` stands in the job: what no list tells of; what was not sent is ignored, and counted."""

    @model_validator(mode="after")
    def _tells_of_records(self) -> Self:
        if self.answer.results is None and self.answer.failures is None:
            raise ValueError("expected results or failures in the answer: the list of records and what became of each")
        for name in _OF_ONE_ANSWER:
            if name in self.answer.model_fields_set:
                place = "beside results, in the job" if name == "missing" else "in an answer to one request only"
                raise ValueError(f"expected no {name} here: it stands {place}")
        return self


class Job(Model):
    """Several requests over time: start, upload, close, poll until it has ended, read results. What is done is kept in the journal.

    Without ``close`` the other side begins when the upload (or the start) has arrived; with it, nothing has an effect before.
    """

    model_config = ConfigDict(json_schema_extra={"required": ["start", "poll"]})

    when: Expr | None = None
    """Which records may go by a job, over what ``when`` of a step sees; the others go by request. All where left out."""
    from_: Count | None = Field(default=None, alias="from")
    """How many records must wait to make a job, where the operation has requests too; fewer go by request. Left out: ``bulk_from``
    of the system says it, and nothing goes by a job where that is left out too."""
    records: Count = 10_000
    """Most records in a job."""
    bytes: SomeSize | None = None
    """Most bytes of its upload; records that make more go in several jobs."""
    age: Duration = 5.0
    """How long the first of its records waits for others."""
    at_once: Count = 1
    """Most jobs of the system at once."""
    start: JobStart
    """Makes the job."""
    upload: JobRequest | None = None
    """Hands over the records: ``csv``, ``ndjson`` or ``json`` with ``{each: …}``. Left out: ``start`` carries them."""
    close: JobRequest | None = None
    """Says that everything is there, so that the work begins."""
    poll: JobPoll
    """Asks how it stands."""
    results: tuple[JobResults, ...] = ()
    """Read in turn when it has ended. Left out: all records share what became of the job."""
    missing: Literal["retry", "reject", "already_done", "delivered"] = "retry"
    """What a record is that the results of a job leave out which has ended well; of an operation that is unsafe to repeat, ``retry``
    is in doubt."""
    abort: JobRequest | None = None
    """Ends a job that takes too long, or whose upload may be half there."""

    @model_validator(mode="after")
    def _can_tell_where_it_stands(self) -> Self:
        if self.close is not None and self.upload is None:
            raise ValueError("expected upload beside close: there is nothing to close")
        if self.close is not None and self.poll.open is None:
            raise ValueError("expected open in poll, beside close: whether the job still waits to be closed")
        return self

    @property
    def requests(self) -> Iterator[tuple[tuple[str | int, ...], Request]]:
        """Every request, with its place in the job."""
        for name in ("start", "upload", "close", "poll", "abort"):
            part: JobStart | JobRequest | JobPoll | None = getattr(self, name)
            if part is not None:
                yield (name, "request"), part.request
        for index, each in enumerate(self.results):
            yield ("results", index, "request"), each.request
