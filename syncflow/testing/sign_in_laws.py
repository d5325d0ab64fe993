"""The laws of signing in: every request carries it, a token is renewed when it must be, and no secret is told.

In: a ``Trial``. Out: a ``Check`` for each law.
"""

from __future__ import annotations

from collections.abc import Iterator

import orjson

from syncflow.adapters.scripted import Asked, Reply
from syncflow.compiler.wire.rules import statuses_of
from syncflow.config.models.sign_in import SignIn
from syncflow.events import Json, Verdict
from syncflow.testing.fake_system import SECRET, TOKEN_LIFE_SECONDS
from syncflow.testing.operation_trial import PAGE, Check, Trial, why


class SignInTrial(Trial):
    """Tries how a system signs in with one operation."""

    def of_the_sign_in(self) -> Iterator[Check]:
        """Yield what hangs on how a system signs in, where a request can be made at all."""
        law = f"{self.label}: a request can be made of a record"
        unmade = self.unmade()
        yield Check(law, unmade)
        if not unmade:
            yield from self.around_the_sign_in()

    def around_the_sign_in(self) -> Iterator[Check]:
        yield self.check("every request passes the limits", self._limits())
        yield self.check("no secret is told", self._secrets())
        if self._carries:
            yield self.check("every request carries the sign-in", self._carried())
        if self._has_token:
            if self._tells_its_life:
                yield self.check("a token is renewed when its life is over", self._outlived())
            yield self.check("a token that is refused is renewed once", self._renewal())
            yield self.check("while sign-in fails, nothing is sent and nothing is lost", self._signed_out())

    @property
    def _has_token(self) -> bool:
        return self.plan.details is not None and self.plan.details.sign_in.token is not None

    @property
    def _way(self) -> SignIn | None:
        details = self.plan.details
        return None if details is None else self.adapter.model.auth.get(details.sign_in.name)

    @property
    def _carries(self) -> bool:
        return self._way is not None and bool(self._way.headers or self._way.query)

    @property
    def _tells_its_life(self) -> bool:
        return self._way is not None and self._way.token is not None and self._way.token.life == "expires_in"

    def _carried(self) -> Iterator[str]:
        stand_in = self.stand_in(lambda _: Reply(503, "{}"))
        stand_in.send(self.batch(known=True))
        way = self._way
        if way is None:
            return
        for asked in stand_in.seen[:1]:
            missing = [name for name in way.headers if not asked.headers.get(name.lower())]
            missing += [name for name in way.query if not asked.query.get(name)]
            yield from (f"nothing stands in {name}" for name in missing)

    def _outlived(self) -> Iterator[str]:
        """Send twice, with more than the life of a token between."""
        stand_in = self.stand_in(lambda _: Reply(503, "{}"))
        stand_in.pause_seconds = 2 * TOKEN_LIFE_SECONDS
        batch = self.batch(known=True)
        stand_in.send(batch, batch)
        if stand_in.sign_ins != 2:
            yield f"it signs in {stand_in.sign_ins} times in twice the life of a token"

    def _renewal(self) -> Iterator[str]:
        """Refuse the first token: the same request must come again, with the second."""
        if any(401 in statuses_of(rule) for rule in self.adapter.model.outcomes):
            return  # the adapter means something else by it
        stand_in = self.stand_in(lambda _: Reply(503 if len(stand_in.seen) > 1 else 401, "{}"))
        stand_in.send(self.batch(known=True))
        if stand_in.sign_ins != 2 or len(stand_in.seen) < 2:
            yield f"after a 401 it signs in {stand_in.sign_ins - 1} times again, and sends {len(stand_in.seen) - 1} requests"
            return
        first, second = (" ".join([asked.url, asked.text, *asked.headers.values()]) for asked in stand_in.seen[:2])
        if first == second:
            yield "the second request carries the token that was refused"

    def _signed_out(self) -> Iterator[str]:
        for reply in (
            Reply(fail="refused"),
            Reply(fail="lost"),
            Reply(fail="slow"),
            Reply(500),
            Reply(200, PAGE),
            Reply(200, "{}"),
        ):
            stand_in = self.stand_in(lambda _, reply=reply: reply, signs_in=False)  # type: ignore[misc]  # as above
            outcome = stand_in.send(self.batch())[0].outcomes[0]
            yield from self.unplaced(outcome)
            if outcome.verdict is not Verdict.RETRY or outcome.counts or len(stand_in.seen) > 1:
                yield f"{len(stand_in.seen)} requests were sent, and a record is {why(outcome)}"

    def _limits(self) -> Iterator[str]:
        stand_in = self.stand_in(lambda _: Reply(401, "{}"))
        stand_in.send(self.batch())
        sent = len(stand_in.seen) + stand_in.sign_ins
        if stand_in.passed != sent:
            yield f"{sent} requests were sent, {stand_in.passed} passed the gate"
        if stand_in.sign_ins > 2:
            yield f"a refused token was renewed {stand_in.sign_ins - 1} times"

    def _secrets(self) -> Iterator[str]:
        """Echo the sign-in in every place where an error could stand."""

        def answer(asked: Asked) -> Reply:
            told = " ".join([*asked.headers.values(), asked.url, f"{SECRET}key {SECRET}token {SECRET}client_secret"])
            body: dict[str, Json] = dict.fromkeys(("message", "error", "code", "detail", "text"), told)
            return Reply(400, orjson.dumps([body]).decode() if len(asked.url) % 2 else orjson.dumps(body).decode())

        secrets = self.plan.details.secrets if self.plan.details else ()
        result = self.stand_in(answer).send(self.batch())[0]
        if any(secret in repr(result) for secret in secrets):
            yield "an outcome or a signal holds a secret"
