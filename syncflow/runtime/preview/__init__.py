"""What a run would do now, worked out without sending anything (``syncflow plan``).

    source ── Raw ──▶ process, transform, ``Committer`` (a run's own) ──▶ shadow ──▶ turn ──▶ ``Step`` ──▶ ``Counts``

* A **shadow** (``shadow.py``) is a journal in memory. It knows what the project's journal knows of the records it is asked about
  (``seeds.py``), takes what a run would write, and changes nothing of the project's journal.
* Each delivery is decided by ``runtime/delivery/turn.py``, as in a run, and is then settled in the shadow as if the other side had taken
  it. So the next event of its record is planned against what this one leaves.
* A **step** (``steps.py``) is one delivery with what it would do over there: create, change (which fields), delete, nothing.
* **Counts** (``counts.py``) are steps by route, and what became of events that cause none.

The decisions are those of a run, by the same code; what is assumed is only that the other side takes everything.
"""
