"""How the other side reads text: which keys are the same there, and what is blank.

In: a field of an object, which says what its adapter says where it is silent. Out: functions over text. This is the only place
that knows; look-ups, presence, batches and requests all come here.
"""

from __future__ import annotations

from collections.abc import Callable

from syncflow.config.models.schema import ObjectField
from syncflow.key_rules import KeyRule


def tidier(field: ObjectField | None) -> Callable[[str], str] | None:
    """Return what writes a key as it is sent: without blanks around it and in the Unicode form of the other side, in its own case.
    None where it is sent as it is."""
    return None if field is None or not (field.trim or field.unicode) else _rule(field).tidy


def normaliser(field: ObjectField | None) -> Callable[[str], str]:
    """Return what makes keys equal that are the same there; it can be pickled."""
    if field is None or not (field.trim or field.unicode):
        return str if field is None or field.case_sensitive is not False else str.lower
    return _rule(field)


def _rule(field: ObjectField) -> KeyRule:
    return KeyRule(trim=bool(field.trim), form=field.unicode, fold_case=field.case_sensitive is False)
