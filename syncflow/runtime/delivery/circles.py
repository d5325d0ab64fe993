"""Whether waiting for a record would never end, since all that is open of it waits in turn. Pure.

    record ──any of──▶ lanes ──all of──▶ records, or lanes that are first at a key

A record comes by any of its lanes, and a lane goes once all that its head waits for has come. What nothing is open of may still come from
the source. Who waits for a circle of others is in none itself: he is not missed by them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

from syncflow.events import Record
from syncflow.runtime.delivery.key_queues import LaneKey

Node: TypeAlias = "Record | LaneKey"


def closes(
    record: Record,
    of: LaneKey,
    *,
    lanes: Callable[[Record], Iterable[LaneKey]],
    waits: Callable[[LaneKey], Iterable[Node]],
) -> bool:
    """Return whether ``record`` cannot come before the lane ``of`` goes, for it waits for that, directly or not.

    ``lanes``: the lanes that are open of a record; ``waits``: what the head of a lane waits for.
    """
    waiting: dict[Node, list[Node]] = {}
    left: dict[Node, int] = {}
    free: list[Node] = []
    todo: list[Node] = [record]
    while todo:
        node = todo.pop()
        if node in left or node == of:
            continue
        is_record = isinstance(node, Record)
        following: list[Node] = [*dict.fromkeys(lanes(node) if isinstance(node, Record) else waits(node))]
        left[node] = 1 if is_record and following else len(following)
        free.extend([node] if not following else ())
        todo.extend(following)
        for each in following:
            waiting.setdefault(each, []).append(node)
    return of in waiting and not _comes(record, free, waiting, left)


def _comes(record: Record, free: list[Node], waiting: dict[Node, list[Node]], left: dict[Node, int]) -> bool:
    """Return whether a record comes where ``free`` do; ``left``: how many more are to come before each does. Both are used up."""
    while free:
        node = free.pop()
        if node == record:
            return True
        for each in waiting.get(node, ()):
            left[each] -= 1
            if left[each] == 0:
                free.append(each)
    return False
