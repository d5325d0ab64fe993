"""The laws of looking for what is there (``find``): nothing is created where that cannot be told, and each value is asked for.

In: a ``Trial``. Out: a ``Check`` for each law, where a record of the operation can be looked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from syncflow.adapters.scripted import Reply
from syncflow.events import Batch
from syncflow.testing.fake_system import FakeSystem, adopting
from syncflow.testing.operation_trial import DONE, PAGE, Check, Trial, why

_FIELD: Final = "madeupfield"
_VALUE: Final = "looked-for-{}"
_FAULTS: Final = {
    "answers 200 with HTML": Reply(200, PAGE, {"content-type": "text/html"}),
    "answers 200 with JSON that is cut off": Reply(200, '{"results": [{"id"'),
    "answers 200 with what is no list": Reply(200, "5"),
    "does not answer in time": Reply(fail="slow"),
    "answers 429": Reply(429, "{}"),
    "answers 500": Reply(500, "{}"),
}


class FindTrial(Trial):
    """Looks for the records of one operation before they are created."""

    def of_the_look_up(self) -> Iterator[Check]:
        """Yield what must hold where records may be there already; nothing for a delete, or where the adapter finds nothing."""
        details = self.plan.details
        updates = "update" in self.plan.operations_of(self.object)
        if details is None or details.find is None or self.action == "delete" or not updates:
            return
        yield Check(f"{self.label}: find: every value is asked for", tuple(self._unasked()))
        yield Check(
            f"{self.label}: find: nothing is created where it cannot be told what is there", tuple(self._blind())
        )

    def _unasked(self) -> Iterator[str]:
        batch = self._looking()
        stand_in = self._looks(Reply(503, "{}"))
        stand_in.send(replace(batch, deliveries=batch.deliveries[:1]))
        if not stand_in.seen:
            yield "nothing is asked"
            return
        for wanted in (_FIELD, _VALUE.format(1)):
            if wanted not in stand_in.seen[0].url + stand_in.seen[0].text:
                yield f"the request does not tell {wanted}"

    def _blind(self) -> Iterator[str]:
        for name, reply in _FAULTS.items():
            stand_in = self._looks(reply)
            result = stand_in.send(self._looking())[0]
            if len({(asked.method, asked.path) for asked in stand_in.seen}) > 1:
                yield f"when the server {name}, something else is sent after the look-up"
            for outcome in result.outcomes:
                if outcome.verdict in DONE:
                    yield f"when the server {name}, a record is {outcome.verdict.value} ({why(outcome)})"

    def _looking(self) -> Batch:
        batch = self.made_up(known=False)
        found = [
            replace(each, payload={**each.payload, _FIELD: _VALUE.format(number)})
            for number, each in enumerate(batch.deliveries, start=1)
        ]
        return replace(batch, deliveries=tuple(found))

    def _looks(self, reply: Reply) -> FakeSystem:
        plan = adopting(self.plan, [_FIELD], keys=[self.made_up(known=False).key_name])
        return FakeSystem(self.adapter, plan, lambda _: reply)
