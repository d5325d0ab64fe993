"""The source ``objects``: the objects of a bucket (S3, Google Cloud Storage, Azure) or the files of a folder, each read once.

    store ── listing ──▶ seen ── those that are new ──▶ source ── Raw
      │                   ▲                               ▲   │ acknowledged
      │                   └───────────────────────────────┼───┘
      └── ranges of bytes ──▶ pieces ──▶ unpacking ──▶ reading (lines, documents, rows; parquet)

``store`` is the only one that knows obstore, ``errors`` puts its errors into our words, ``parquet`` is the only one that knows DuckDB.
``seen`` remembers which version of which object was read, in a file of its own beside the journal. ``reading`` makes events of one
object. ``source`` is the shell: times, order, positions.

All objects share one partition, so that the journal keeps one position however many there are. A position is (number of the reading,
place in the object): each reading of an object gets the next number, the place is the offset behind the event in its unpacked content, or
the number of the row in Parquet. An object that was not read to its end is read on there, by the same number.
"""

from syncflow.sources.objects.source import Objects

__all__ = ["Objects"]
