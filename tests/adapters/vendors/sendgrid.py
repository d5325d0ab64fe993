"""A fake SendGrid: contacts that jobs bring and take away, a while after the request that was answered with a job's id."""

from __future__ import annotations

from typing import Any

from syncflow.adapters.scripted import Asked, Reply
from tests.adapters.vendors.base import Holding, Trial, Vendor, parts, reply, sent
from tests.adapters.vendors.faults import Faults


class SendGrid(Vendor):
    """A job has ended when it is asked after for the second time; a deletion three requests after its own."""

    def __init__(self, faults: Faults) -> None:
        super().__init__(faults)
        self._contacts: dict[str, dict[str, Any]] = {}
        self._jobs: dict[str, list[dict[str, Any]]] = {}
        self._asked: set[str] = set()
        self._ended: dict[str, str] = {}
        self._going: list[tuple[int, str]] = []
        self._requests = 0

    def answer(self, asked: Asked) -> Reply:
        self._requests += 1
        self._delete_what_is_due()
        match asked.method, parts(asked, "/v3/marketing/contacts"):
            case "PUT", []:
                assert sent(asked)["list_ids"] == ["l1"]
                job = f"j{len(self._jobs) + 1}"
                self._jobs[job] = sent(asked)["contacts"]
                return reply(202, {"job_id": job})
            case "GET", ["imports", job]:
                return self._state(job)
            case "POST", ["search", "emails"]:
                return self._found(sent(asked)["emails"])
            case "DELETE", []:
                due = self._requests + 3
                self._going += [(due, vendor_id) for vendor_id in asked.query["ids"].split(",")]
                return reply(202, {"job_id": "d1"})
        raise AssertionError(f"{asked.method} {asked.path} is no address of this API")

    def _delete_what_is_due(self) -> None:
        gone = {vendor_id for due, vendor_id in self._going if due <= self._requests}
        self._contacts = {email: one for email, one in self._contacts.items() if one["id"] not in gone}

    def _state(self, job: str) -> Reply:
        contacts = self._jobs[job]
        counts = {"requested_count": len(contacts), "errored_count": 0}
        if job not in self._ended:
            self._asked.add(job) if job not in self._asked else self._end(job, contacts)
        return reply(
            200, {"id": job, "status": self._ended.get(job, "pending"), "job_type": "upsert", "results": counts}
        )

    def _end(self, job: str, contacts: list[dict[str, Any]]) -> None:
        """End a job well, or with nothing taken; one of a single contact always ends well."""
        is_bad = len(contacts) > 1 and self.faults.of_record("errored")
        self._ended[job] = "errored" if is_bad else "completed"
        for one in () if is_bad else contacts:
            self._contacts.setdefault(one["email"], {"id": f"{job}-{one['email']}"}).update(one)

    def _found(self, emails: list[str]) -> Reply:
        if not any(email in self._contacts for email in emails):
            return reply(404, {"errors": [{"message": "contacts not found"}]})
        nobody = {"error": "contact not found"}
        return reply(
            200,
            {"result": {one: {"contact": self._contacts[one]} if one in self._contacts else nobody for one in emails}},
        )

    def held(self) -> Holding:
        return self._contacts


TRIALS = [
    Trial(
        adapter="sendgrid",
        object="contacts",
        vendor=SendGrid,
        key="email",
        fields={"email": "item.email", "first_name": "item.name", "city": "item.company"},
        auth={"key": "k"},
        options={"lists": ["l1"]},
    )
]
