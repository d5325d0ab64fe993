"""How an answer is read: the lists in it, whose each element is, further pages, and what a record is that it leaves out."""

from typing import Literal, Self

from pydantic import Field, model_validator

from syncflow.config.models.base import Model
from syncflow.config.scalars import Count, Expr, Name, Template, Text

_STEPS_OWN = frozenset({"done", "element", "entries"})
"""What a step hands on by itself."""


class Reader(Model):
    """How one list in an answer is read, element by element, and matched with the records that were sent."""

    each: Expr = "@"
    """The list, in the body."""
    match: Text = "index"
    """``index``: the i-th element is the i-th record's; else an expression over the element that gives an id (or several)."""
    with_: Expr | tuple[Expr, ...] = Field(default="delivery.id", alias="with")
    """What ``match`` is compared with; a list where the other side names a record by any of its ids."""
    ok: Expr | None = None
    """True for success, as in ``answer.ok``. Left out: every element of ``results`` is a success, every one of ``failures`` is not."""
    vendor_id: Expr | None = None
    """The record's id there."""
    keep: dict[Name, Expr] = Field(default_factory=dict)
    """Values for later steps, by name: ``keep: {org: id}`` of the step ``organization`` is read as ``steps.organization.org``."""
    code: Expr | None = None
    """The code of an error, for the outcome rules."""
    message: Expr | None = None
    """What the error says, for people and for the outcome rules."""

    @model_validator(mode="after")
    def _keeps_under_free_names(self) -> Self:
        for name in sorted(_STEPS_OWN.intersection(self.keep)):
            raise ValueError(f"expected another name than {name} in keep: a step hands that on by itself")
        return self


class Pages(Model):
    """How the rest of a long answer is asked for; both expressions see body, headers, status and page (from 1). Null: no more."""

    link: Expr | None = None
    """Where the next page is: a path, or a URL on the same host."""
    next: Expr | None = None
    """What the same request carries to get the next page: a cursor, an offset. It sees it as ``next``."""
    query: dict[Text, Template] = Field(default_factory=dict)
    """Added to the query from the second page on: ``{after: "{{ next }}"}``."""
    method: Literal["get"] | None = None
    """With ``link``: how a later page is asked for. Left out: as the first one, with the same body."""
    most: Count = 20
    """Most pages; an answer that has more proves nothing."""

    @model_validator(mode="after")
    def _link_or_next(self) -> Self:
        if (self.link is None) == (self.next is None):
            raise ValueError("expected either link or next")
        return self


class Refused(Model):
    """Whom a refusal of several records names; without it such a batch is halved until the record at fault stands alone."""

    failures: Reader
    """The list of records at fault, in the body of the refusal. It counts only where each of its elements names a record that was sent."""
    others: Literal["retry", "delivered"] = "retry"
    """What the records are that it does not name: nothing of the batch was taken, or all but those."""


class Answer(Model):
    """How a good (2xx) answer tells each record's outcome. Without readers all records share the request's."""

    ok: Expr | None = None
    """Over the body; where it is not true, the whole request was refused, whatever its status says. True is what ``when`` takes
    for true (an id is), except 0, "0", "false" and "no", which some APIs write for false."""
    results: Reader | None = None
    """The list of what became of each record."""
    failures: Reader | None = None
    """A list of what failed; a record in it is no success."""
    missing: Literal["retry", "reject", "already_done", "delivered", "next"] = "retry"
    """What a record is that the answer leaves out, where everything else in it is accounted for. ``next``: later steps decide."""
    found: Literal["done", "already_done", "reject"] = "done"
    """What a record is that the answer lists as good. ``already_done`` and ``reject`` are for steps that only look."""
    several: Literal["retry", "reject", "first"] = "retry"
    """What a record is that the answer lists more than once."""
    strangers: Literal["retry", "ignore"] = "retry"
    """What it means that an answer lists what was not sent: that it proves nothing of a record that it leaves out; or, of a step that
    only looks, nothing (``ignore``), because it lists more than was asked for: a whole column, a search that finds the like."""
    pages: Pages | None = None
    """How the rest of a long answer is asked for."""
    count: Expr | None = None
    """How many records the body says were taken; where it is not as many as were sent, the answer proves nothing."""
    refusal: Refused | None = None
    """Whom the refusal of a whole batch names."""
    body: Literal["json", "text", "csv", "ndjson", "empty", "any"] = "json"
    """``json``: a good answer that is not JSON (an empty 204 or 202 aside) proves nothing, so nothing is delivered by it. ``text``: one
    text (``ok: "@ == 'ok'"``). ``csv``: a list of objects, named by its first line.
    ``ndjson``: a list, one entry for each line. ``empty``: no body. A page of HTML is none of these.
    ``any``: every value."""

    @model_validator(mode="after")
    def _proves_something(self) -> Self:
        if self.body == "text" and self.ok is None:
            raise ValueError("expected ok beside body: text, for which text says that it was taken")
        if self.body in {"csv", "ndjson"} and self.ok is None and self.results is None and self.failures is None:
            raise ValueError(
                f"expected ok, results or failures beside body: {self.body}, for what says that it was taken"
            )
        return self
