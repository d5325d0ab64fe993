"""How the other side reads text: which keys are the same there, and what is blank.

In: a field of an object, which says what its adapter says where it is silent. Out: functions over text. This is the only place
that knows; look-ups, presence, batches and requests all come here.
"""

from __future__ import annotations

from collections.abc import Callable
from unicodedata import normalize

from syncflow.config.models.schema import ObjectField


def tidier(field: ObjectField | None) -> Callable[[str], str] | None:
    """Return what writes a key as it is sent: without blanks around it and in the Unicode form of the other side, in its own case.
    None where it is sent as it is. A key of blanks alone stays one, for the other side to refuse."""
    if field is None or not (field.trim or field.unicode):
        return None
    form, trim = field.unicode, bool(field.trim)
    if form is None:
        return lambda key: key.strip() or key

    def tidy(key: str) -> str:
        shaped = normalize(form, key)
        return (shaped.strip() or shaped) if trim else shaped

    return tidy


def normaliser(field: ObjectField | None) -> Callable[[str], str]:
    """Return what makes keys equal that are the same there."""
    tidy = tidier(field)
    if field is None or field.case_sensitive is not False:
        return tidy or str
    if tidy is None:
        return str.lower
    form = field.unicode

    def normalise(key: str) -> str:
        folded = tidy(key).lower()  # lower case may come apart into another form
        return folded if form is None else normalize(form, folded)

    return normalise
