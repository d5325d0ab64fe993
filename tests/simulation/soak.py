"""Many seeds in many processes: ``python -m tests.simulation.soak 20000 [first]``. The last line has seeds and violations."""

from __future__ import annotations

import logging
import os
import sys
from concurrent.futures import ProcessPoolExecutor

from tests.simulation.simulate import simulate


def judge(seed: int) -> tuple[int, list[str]]:
    """Return a seed's violations; a run that fails is one."""
    logging.disable(logging.CRITICAL)
    try:
        return seed, simulate(seed)
    except Exception as exc:  # noqa: BLE001  # whatever it is, it is a violation of this seed
        return seed, [f"the run failed: {exc!r}"]


def main(seeds: int, first: int) -> int:
    bad = 0
    with ProcessPoolExecutor(max_workers=os.cpu_count()) as pool:
        for seed, violations in pool.map(judge, range(first, first + seeds), chunksize=20):
            if violations:
                bad += 1
                sys.stdout.write(f"seed {seed}: {'; '.join(violations[:3])}\n")
                sys.stdout.flush()
    sys.stdout.write(f"{seeds} seeds, {bad} with violations\n")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0))
