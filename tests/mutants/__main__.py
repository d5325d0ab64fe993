"""Apply each listed change to a copy of the repository, a few at a time, and run its tests: one that passes is a survivor.

    python -m tests.mutants              all of them
    python -m tests.mutants lanes        those whose file or name contains this text

Exit code 1 if a mutant survives, if its tests fail without it, or if it is stale: the code that it changes is no longer there.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

from tests.mutants.mutant import ROOT, Mutant, StaleMutantError, read_mutants
from tests.mutants.workplace import Workplace


def main(wanted: Sequence[str]) -> int:
    mutants = [m for m in read_mutants() if not wanted or any(word in f"{m.file} {m.name}" for word in wanted)]
    if not mutants:
        sys.stdout.write("no mutant has such a file or name\n")
        return 1
    with tempfile.TemporaryDirectory() as directory:
        workers = os.cpu_count() or 1
        idle: SimpleQueue[Workplace] = SimpleQueue()
        for number in range(workers):
            idle.put(Workplace.make(Path(directory) / str(number)))
        with ThreadPoolExecutor(workers) as pool:
            healthy = all(pool.map(lambda tests: _is_healthy(idle, tests), _test_sets(mutants)))
            survivors = [m for m, noticed in pool.map(lambda m: (m, _is_noticed(idle, m)), mutants) if not noticed]
    sys.stdout.write(f"{len(mutants)} mutants, {len(survivors)} survived or are stale\n")
    return 0 if healthy and not survivors else 1


def _test_sets(mutants: Sequence[Mutant]) -> list[tuple[str, ...]]:
    return list(dict.fromkeys(mutant.tests for mutant in mutants))


def _is_healthy(idle: SimpleQueue[Workplace], tests: tuple[str, ...]) -> bool:
    """Tests that fail anyway would notice everything."""
    place = idle.get()
    try:
        passed = place.passes(tests)
    finally:
        idle.put(place)
    if not passed:
        _say(f"FAILS WITHOUT A CHANGE  pytest {' '.join(tests)}")
    return passed


def _is_noticed(idle: SimpleQueue[Workplace], mutant: Mutant) -> bool:
    try:
        text = mutant.applied((ROOT / mutant.file).read_text("utf-8"))
    except StaleMutantError as error:  # the others are still worth their time
        _say(f"STALE     {error}")
        return False
    place = idle.get()
    try:
        noticed = place.is_noticed(mutant.file, text, mutant.tests)
    finally:
        idle.put(place)
    _say(f"{'noticed ' if noticed else 'SURVIVED'}  {mutant.file}: {mutant.name}")
    return noticed


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
