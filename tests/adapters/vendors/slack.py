"""A fake Slack: a channel of messages, refusals in answers with status 200."""

from __future__ import annotations

from typing import Any

from syncflow.adapters.scripted import Asked, Reply
from tests.adapters.vendors.base import Holding, Trial, Vendor, reply, sent
from tests.adapters.vendors.faults import Faults
from tests.adapters.vendors.run import every_change


class Slack(Vendor):
    def __init__(self, faults: Faults) -> None:
        super().__init__(faults)
        self._messages: list[dict[str, Any]] = []

    def answer(self, asked: Asked) -> Reply:
        assert (asked.method, asked.path) == ("POST", "/api/chat.postMessage")
        if self.faults.of_record("ratelimited"):
            return reply(200, {"ok": False, "error": "ratelimited"})
        self._messages.append(sent(asked))
        return reply(200, {"ok": True, "channel": "C1", "ts": f"15034359{len(self._messages):02}.000001"})

    def held(self) -> Holding:
        """Return each message once, by what it tells; one whose answer was lost is there twice."""
        return {each["text"]: each for each in self._messages}


TRIALS = [
    Trial(
        adapter="slack",
        object="message",
        vendor=Slack,
        key="ref",
        fields={"ref": "item.id", "channel": "'C1'", "text": "item.told"},
        auth={"token": "xoxb-1"},
        route={"operations": {"delete": "ignore"}},
        expected=every_change,
        ours=frozenset({"ref"}),
    )
]
