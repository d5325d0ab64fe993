"""Many seeds in many processes: ``python -m tests.simulation.soak 20000 [first]``.

The last lines have how much happened, so that a faster simulation can be seen to try as much, and seeds and violations.
"""

from __future__ import annotations

import gc
import logging
import os
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from typing import NamedTuple

from tests.simulation.programs import PROJECT, TEXTS, compiled
from tests.simulation.simulate import lived


class Judged(NamedTuple):
    seed: int
    violations: list[str]
    happened: Counter[str]


def judge(seed: int) -> Judged:
    """Return a seed's violations; a run that fails is one."""
    logging.disable(logging.CRITICAL)
    started = time.process_time()
    try:
        simulation = lived(seed)
    except Exception as exc:  # noqa: BLE001  # whatever it is, it is a violation of this seed
        return Judged(seed, [f"the run failed: {exc!r}"], Counter())
    world = simulation.world
    happened = Counter(
        lives=simulation.lives, requests=world.requests, troubles=world.troubles, effects=len(world.effects)
    )
    happened["milliseconds of processor time"] = round((time.process_time() - started) * 1000)
    return Judged(seed, simulation.violations, happened)


def prepare() -> None:
    """Compile every variant once, for all processes, and spare the collector what stays."""
    for version in ("arrival", "timestamp"):
        for variant in TEXTS:
            compiled(PROJECT, version, variant)
    spare_the_collector()


def spare_the_collector() -> None:
    """Leave what lasts alone, and look at the rest seldom: seeds leave little behind."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def main(seeds: int, first: int) -> int:
    bad, happened = 0, Counter[str]()
    prepare()
    with ProcessPoolExecutor(max_workers=os.cpu_count()) as pool:
        for judged in pool.map(judge, range(first, first + seeds), chunksize=20):
            happened += judged.happened
            if judged.violations:
                bad += 1
                sys.stdout.write(f"seed {judged.seed}: {'; '.join(judged.violations[:3])}\n")
                sys.stdout.flush()
    each = ", ".join(f"{count * 100 / seeds:,.0f} {name}" for name, count in happened.items())
    sys.stdout.write(f"in 100 seeds: {each}\n{seeds} seeds, {bad} with violations\n")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0))
