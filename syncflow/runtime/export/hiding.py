"""What stands in an export in place of personal data.

An id or a key becomes a keyed hash: the same value has the same hash in every table and every export of one journal, so that rows can be
brought together and counted, and without the journal the value can neither be read nor tried. The key of the hashes stays in the journal.
"""

from __future__ import annotations

import hashlib

from syncflow.runtime.desk.masking import plain_code
from syncflow.runtime.export.columns import Column

_DIGEST_BYTES = 12


class Hider:
    """``key``: the journal's own, 32 bytes. ``personal``: nothing is hidden."""

    def __init__(self, key: bytes, *, personal: bool = False) -> None:
        self._key = key
        self.personal = personal

    def asked(self, column: Column) -> str:
        """Return the expression by which a column is read."""
        return column.personal if self.personal and column.personal else column.asked

    def shown(self, column: Column, value: object) -> object:
        """Return a value as it may be shown."""
        if self.personal or value is None or value == "":
            return value
        if column.privacy == "hashed":
            return self.hashed(str(value))
        return plain_code(str(value)) if column.privacy == "code" else value

    def hashed(self, value: str) -> str:
        """Return the hash of an id or a key: 24 hexadecimal digits."""
        text = value.encode("utf-8", "surrogatepass")
        return hashlib.blake2b(text, key=self._key, digest_size=_DIGEST_BYTES, person=b"syncflow export").hexdigest()
