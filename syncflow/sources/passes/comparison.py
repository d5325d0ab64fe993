"""Which rows are not what was seen: by their hashes as long as rows come in the order in which they were seen, else by their keys.

A hash is keyed and covers the key, so a row whose hash is that of a row ahead *is* that row, unchanged: neither its key nor anything else
of it is looked at. Rows that no hash ahead fits (changed, new, out of order, met before) are looked up by their keys.

    seen    1 2 3 4 5 6 7 8 9 …        ids, in the order of the first time
                ▲       └ fetched      the hashes of ``_ahead`` are those up to here that no row has met yet
                └ last                 the row that was met last
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from typing import NamedTuple

from syncflow.errors import DataError
from syncflow.sources.passes.seen import Beginning, Seen
from syncflow.sources.passes.table import ROWS, Chunk

_MOST_AHEAD = 20_000
"""Hashes of rows that were passed over (changed or gone) and are still held."""
_MOST_MISSES = 3
"""Chunks in turn of which most rows come out of order until order is given up."""


class Difference(NamedTuple):
    """A row, by its place in its chunk, that is not what was seen; a row that is due again is one too."""

    place: int
    key: str
    hash: int
    is_new: bool
    is_changed: bool


class Comparison:
    """Of one pass: every chunk once. ``met`` has a mark for the id of each row that was met."""

    def __init__(self, seen: Seen, begun: Beginning, *, key: Sequence[str], noun: str) -> None:
        """``noun``: what the rows are those of, for messages."""
        self.met = bytearray(begun.last_id + 1)
        self._seen = seen
        self._begun = begun
        self._key = key
        self._noun = noun
        self._new: set[str] = set()
        """Keys of new rows that ``seen`` was not told of yet."""
        self._hash = hashlib.blake2b(digest_size=8, key=seen.secret)
        self._ahead: dict[int | None, int] = {}
        self._last = self._turn = self._fetched = 0
        self._misses = 0
        self._is_in_order = True

    def differences(self, chunk: Chunk) -> list[Difference]:
        """Return the rows that are new, changed or due.

        Raises:
            DataError: two rows have one key.
        """
        hashes = self._hashes(chunk.texts())
        rest = self._unmatched(hashes)
        if not rest:
            self._misses = 0
            return []
        found, strays = self._by_key(rest, self._keys(chunk, rest, hashes), hashes)
        self._note_order(strays, of=len(hashes))
        return found

    def handed(self) -> None:
        """What was found up to now is remembered (``Seen.hand``)."""
        self._new.clear()

    def _hashes(self, texts: Sequence[bytes]) -> Sequence[int]:
        """Return a keyed hash of each text. A copy of the keyed beginning costs half of a new one."""
        copy, digests = self._hash.copy, []
        for text in texts:
            hash_ = copy()
            hash_.update(text)
            digests.append(hash_.digest())
        return struct.unpack(f">{len(digests)}q", b"".join(digests))

    def _unmatched(self, hashes: Sequence[int]) -> list[int]:
        """Mark the rows whose hashes are ahead as met; return the places of the others."""
        if self._is_in_order:
            self._look_ahead()
        pop, met, last = self._ahead.pop, self.met, self._last
        rest: list[int] = []
        for place, hash_ in enumerate(hashes):
            id_ = pop(hash_, 0)
            if id_ and not met[id_]:
                met[id_] = 1
                last = id_
            else:
                rest.append(place)
        self._last = last
        return rest

    def _look_ahead(self) -> None:
        """Hold the hashes of more rows than a chunk has behind the last one that was met."""
        while self._last >= self._turn:
            self._turn = self._fetched
            following = self._seen.following(self._fetched, most=2 * ROWS)
            if not following:
                self._turn = self._begun.last_id + 1
                return
            self._fetched = max(following.values())
            self._ahead.update(following)
        if len(self._ahead) > _MOST_AHEAD:
            self._ahead = {hash_: id_ for hash_, id_ in self._ahead.items() if id_ > self._last}

    def _keys(self, chunk: Chunk, places: Sequence[int], hashes: Sequence[int]) -> list[str]:
        """Return a text for each row that tells it from all others: its key, or its hash where it has none."""
        if not self._key:
            return [f"row {hashes[place]}" for place in places]
        keys = chunk.keys(places)
        return [f"null {hashes[place]}" if key is None else key for place, key in zip(places, keys, strict=True)]

    def _by_key(
        self, places: Sequence[int], keys: Sequence[str], hashes: Sequence[int]
    ) -> tuple[list[Difference], int]:
        """Return the rows that differ from what is known by their keys, and how many do not: those come out of order."""
        known = self._seen.known(keys)
        begun, met = self._begun, self.met
        found: list[Difference] = []
        strays = 0
        for place, key in zip(places, keys, strict=True):
            id_, before = known.get(key, (0, None))
            if key in self._new or id_ > begun.last_id or met[id_]:
                self._meet_twice(key)
                continue
            if id_:
                met[id_] = 1
                self._last = id_
                if before == hashes[place]:
                    strays += 1
                    continue
            else:
                self._new.add(key)
            found.append(Difference(place, key, hashes[place], not id_, before is not None))
        return found, strays

    def _note_order(self, strays: int, *, of: int) -> None:
        """Go on at the last row that was met where most came out of order; give order up where that helps not."""
        if not self._is_in_order or strays * 2 <= of:
            self._misses = 0
            return
        self._misses += 1
        self._is_in_order = self._misses < _MOST_MISSES
        self._ahead.clear()
        self._turn = self._fetched = self._last

    def _meet_twice(self, key: str) -> None:
        """Rows without a key that are alike are one; two rows of one key are a mistake over there."""
        if key.startswith("["):
            raise DataError(
                f"several rows of the {self._noun} have one key ({', '.join(self._key)}): which of them is meant cannot be known",
                hint="name all columns that identify a row in `key`, or mend what repeats rows (a join, an export)",
            )
