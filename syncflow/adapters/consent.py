"""A person signs in for a system: the page to open, and the code that comes back changed for settings that are kept.

    page(redirect) ──▶ a browser ──▶ redirect?code=…&state=… ──▶ finish(code) ──▶ kept beside the journal

The authorization code grant (RFC 6749, 4.1) with PKCE (RFC 7636, S256), as native programs do it (RFC 8252): the answer comes to an
address of this machine. ``state`` and the verifier are good for one sign-in, and known to this object alone.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Callable
from urllib.parse import urlencode

from syncflow.adapters.bodies import decode
from syncflow.adapters.http import NoResponse
from syncflow.adapters.prepare import prepare_sign_in
from syncflow.adapters.signin import Send, SignIn
from syncflow.compiler.wire.expression_input import as_text
from syncflow.compiler.wire.plans import ConsentPlan, Root
from syncflow.errors import DataError, UnavailableError

OWN_PARAMETERS = frozenset({"response_type", "redirect_uri", "state", "code_challenge", "code_challenge_method"})


class Consent:
    """One sign-in of a person. ``random`` makes texts that cannot be guessed."""

    def __init__(
        self,
        plan: ConsentPlan,
        root: Root,
        *,
        redirect: str,
        base_url: str,
        sign_in: SignIn,
        send: Send,
        random: Callable[[], str] = lambda: secrets.token_urlsafe(48),
    ) -> None:
        self._plan = plan
        self._root = root
        self._redirect = redirect
        self._base_url = base_url
        self._sign_in = sign_in
        self._send = send
        self.state = random()
        self._verifier = random()

    def page(self) -> str:
        """Return the address that a person opens.

        Raises:
            DataError: it cannot be made from the system's settings.
        """
        url = prepare_sign_in(self._plan.page, self._root, base_url=self._base_url).url
        digest = hashlib.sha256(self._verifier.encode()).digest()
        own = {
            "response_type": "code",
            "redirect_uri": self._redirect,
            "state": self.state,
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        return f"{url}{'&' if '?' in url else '?'}{urlencode(own)}"

    async def finish(self, code: str) -> None:
        """Change the code for settings, and keep them.

        Raises:
            DataError: the answer does not give them, or the other side refuses the code.
            UnavailableError: it does not answer, or what it gives cannot be kept.
        """
        root = {**self._root, "code": code, "redirect_uri": self._redirect, "code_verifier": self._verifier}
        request = self._plan.request
        answer = await self._send(prepare_sign_in(request, root, base_url=self._base_url), request.group)
        if isinstance(answer, NoResponse):
            raise UnavailableError(f"signing in: {answer.reason}")
        if not 200 <= answer.status < 300:
            raise DataError(self._sign_in.refused(answer).message)
        body, trouble = decode(answer)
        given: dict[str, str] = {}
        for name, value in () if trouble else self._plan.gives:
            try:
                found = value(body)
            except DataError:
                found = None
            if found not in (None, ""):
                given[name] = as_text(found)
        if lacking := [name for name, _ in self._plan.gives if name not in given]:
            why = trouble or f"it gives no {', '.join(lacking)}"
            hint = "some services give a refresh token only for a scope such as offline_access, or where the page asks for it"
            raise DataError(f"{request.place}: the answer to signing in proves nothing: {why}", hint=hint)
        if not self._sign_in.keep(given):
            raise UnavailableError("what the sign-in gave cannot be kept beside the journal")
