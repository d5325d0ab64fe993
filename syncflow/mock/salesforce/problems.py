"""How Salesforce says no: a list of problems, each with a code; in single calls and in Collections it is spelt differently."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..wire import Answer, json_answer


class Problem(NamedTuple):
    """One thing wrong with a record or a request."""

    code: str
    message: str
    fields: tuple[str, ...] | None = ()
    duplicates: dict[str, Any] | None = None
    """What a duplicate rule found; only a single call tells it."""

    def single(self) -> dict[str, Any]:
        """As a single-record call says it."""
        said: dict[str, Any] = {"message": self.message, "errorCode": self.code}
        said = said if self.fields is None else {**said, "fields": self.fields}
        return said if self.duplicates is None else {**said, "duplicateResult": self.duplicates}

    def listed(self) -> dict[str, Any]:
        """As a Collections result says it."""
        return {"statusCode": self.code, "message": self.message, "fields": self.fields or ()}


class RefusedError(Exception):
    """The request as a whole is refused."""

    def __init__(self, status: int, *problems: Problem) -> None:
        super().__init__(problems[0].message)
        self.status = status
        self.problems = problems


def refuse(status: int, code: str, message: str) -> RefusedError:
    """A refusal that concerns no field."""
    return RefusedError(status, Problem(code, message, None))


def error_answer(status: int, *problems: Problem) -> Answer:
    """The error array of a single call."""
    return json_answer(status, [problem.single() for problem in problems])


def problem_status(problem: Problem) -> int:
    """The HTTP status that a record's problem gives to a single call."""
    return _STATUS.get(problem.code, 400)


_STATUS = {"ENTITY_IS_DELETED": 404, "NOT_FOUND": 404, "INSUFFICIENT_ACCESS_OR_READONLY": 403}

NOT_FOUND = Problem("NOT_FOUND", "The requested resource does not exist", None)
DELETED = Problem("ENTITY_IS_DELETED", "entity is deleted")
ROLLED_BACK = Problem(
    "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    "Record rolled back because not all records were valid and the request was using AllOrNone header",
)
CONVERTED = Problem("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead")
LOCKED = "UNABLE_TO_LOCK_ROW"
EXPIRED = Problem("INVALID_SESSION_ID", "Session expired or invalid", None)
