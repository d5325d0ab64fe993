"""Bugs to be planted, one at a time, in a process of its own: the oracles must see each of them.

A plant is a change of the real source, made while it is imported (or of a copy of an adapter's YAML). If the text to be changed is not
found, the plant is out of date and the test fails.

    python -m tests.simulation.planted_bugs "window off by one" 40
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parent.parent.parent


@dataclass(frozen=True)
class Plant:
    file: str
    before: str
    after: str
    cursed: bool = False
    """Whether only seeds in which a record always fails can show it."""
    workers: bool = False
    """Whether it is looked for where several workers share a journal."""
    first: int = 0
    """The seed that is tried first, for it showed the bug when this was written; if it does not any more, all are tried."""


PLANTS = {
    "acknowledge before commit": Plant(
        "syncflow/runtime/reading.py",
        "            await self._hold_back()\n",
        "            await self._hold_back()\n"
        "            for position in last_positions(chunk.raw.raws):\n"
        "                await self._source.acknowledge(position)\n",
    ),
    "record order ignored": Plant(
        "syncflow/runtime/delivery/lanes.py",
        "key = (delivery.object, delivery.record)",
        "key = (delivery.object, type(delivery.record)('', str(delivery.id)))",
    ),
    "window off by one": Plant(
        "syncflow/runtime/delivery/windows.py", "promised - self.window.count\n", "promised - self.window.count - 1\n"
    ),
    "slot freed at the start of a request": Plant(
        "syncflow/runtime/delivery/limits.py",
        "            log.answered(now)\n",
        "            log.answered(now - 0.3)\n",
    ),
    "a failed item inside a 200 read as success": Plant(
        "syncflow/adapters/salesforce.yaml", "ok: success", 'ok: "`true`"'
    ),
    "a left-out record read as success": Plant(
        "syncflow/adapters/hubspot.yaml", "missing: retry", "missing: delivered"
    ),
    "a 207 read as success": Plant(
        "syncflow/adapters/answers.py",
        "        if good and (",
        "        if True or (",
        first=2,
    ),
    "retry without its idempotency key": Plant(
        "tests/simulation/project/adapters/ledger.yaml",
        'Idempotency-Key: "{{ delivery.unique_id }}"',
        'Idempotency-Key: "{{ delivery.unique_id }}-{{ batch.id }}"',
    ),
    "tombstone forgotten": Plant(
        "syncflow/runtime/intake/upserts.py",
        'if row.state == "deleted" and',
        'if row.state == "" and',
        first=66,
    ),
    "presence ignored on delete": Plant(
        "syncflow/runtime/intake/deletes.py",
        "    for row in rows:\n        if planning.newer(",
        "    for row in []:\n        if planning.newer(",
    ),
    "superseded across a delete": Plant(
        "syncflow/runtime/delivery/lanes.py",
        'old.operation == new.operation == "upsert"',
        'old.operation in {"upsert", "delete"} and new.operation == "upsert"',
    ),
    "what the source repeats taken twice": Plant(
        "syncflow/runtime/intake/pipeline.py", "chunk = self._without_known(chunk)", "chunk = chunk"
    ),
    "a deletion counted in no window of its own": Plant(
        "syncflow/runtime/delivery/limits.py",
        'if log.window.only in {"", group}]',
        'if log.window.only == ""]',
    ),
    "requests of earlier runs forgotten": Plant(
        "syncflow/runtime/systems.py",
        "recall(held.usage if held else self._usage.pop(name, None))",
        "recall(held.usage if held else None)",
    ),
    "fields that something newer has written sent all the same": Plant(
        "syncflow/runtime/delivery/turn.py",
        "    if not newer:\n        return delivery\n",
        "    return delivery\n",
    ),
    "failures of a dead host charged to its records": Plant(
        "syncflow/runtime/delivery/attempts.py",
        "        if outcome.verdict is not Verdict.RETRY or own:\n",
        "        if True or own:\n",
        first=39,
    ),
    "deliveries of a route that is gone left open": Plant(
        "syncflow/runtime/journal/tables/activation.py",
        "        if not reason:\n",
        "        if 'route' in reason or not reason:\n",
    ),
    "a chunk that another program made taken as it is": Plant(
        "syncflow/runtime/intake/pipeline.py",
        "        if chunk.program is not program:\n",
        "        if False:\n",
    ),
    "failures of a record that always fails never charged to it": Plant(
        "syncflow/runtime/delivery/attempts.py",
        "        if outcome.verdict is not Verdict.RETRY or own:\n",
        "        if outcome.verdict is not Verdict.RETRY:\n",
        cursed=True,
        first=42,
    ),
    "failures of a record that always fails charged to its batch": Plant(
        "syncflow/runtime/delivery/attempts.py",
        "        if own and len(numbers) > 1 and all(",
        "        own = own and set(numbers)\n        if False and all(",
        cursed=True,
        first=191,
    ),
    "settled before it is durable": Plant(
        "syncflow/runtime/delivery/ends.py",
        "        await self._settler.settle(settlements, superseded=superseded)\n        at = self._clock.monotonic()\n",
        "        settled = self._settler.settle(settlements, superseded=superseded)\n"
        "        __import__('asyncio').create_task(settled)\n        at = self._clock.monotonic()\n",
    ),
    "the key of a record that is perhaps there is free": Plant(
        "syncflow/runtime/journal/tables/presence.py",
        "    return frozenset(row[0] for row in db.among(_PERHAPS_THERE,",
        "    return frozenset(row[0] for row in db.among(_PERHAPS_THERE + ' AND FALSE',",
        first=139,
    ),
    "what a record refers to not waited for": Plant(
        "syncflow/runtime/delivery/relations.py",
        'if how == "there" or',
        'if True or how == "there" or',
        first=11,
    ),
    "what does not come waited for though the source has ended": Plant(
        "syncflow/runtime/delivery/relations.py",
        "        elif outlook.ended:\n",
        "        elif False:\n",
        first=14,
    ),
    "a zombie settles": Plant("syncflow/runtime/journal/tables/shared_journal.py", '"settle", ', "", workers=True),
    "a zombie commits": Plant("syncflow/runtime/journal/tables/shared_journal.py", '"commit", ', "", workers=True),
    "no claim is looked at": Plant(
        "syncflow/runtime/journal/tables/sharing.py",
        'WHERE share = ? AND worker = ? AND epoch = ?"\n    if not',
        'WHERE share = ? AND ? > 0 AND ? > 0"\n    if not',
        workers=True,
    ),
    "takeover without waiting for what the former holder sends": Plant(
        "syncflow/runtime/sharing.py",
        "until = share.since + max(0.0, timeout - claimed.ended_ago)",
        "until = 0.0",
        workers=True,
    ),
    "a share taken before its claim has ended": Plant(
        "syncflow/runtime/journal/tables/sharing.py",
        "        if lost and until > now:\n",
        "        if lost and until > now + 8:\n",
        workers=True,
    ),
    "a claim taken to last for ever": Plant(
        "syncflow/runtime/sharing.py",
        "not share.lost and self.run.clock.monotonic() < share.lasts_until",
        "not share.lost",
        workers=True,
    ),
    "a claim that lasts from when the answer came": Plant(
        "syncflow/runtime/sharing.py",
        "max(share.lasts_until, since + CLAIM_SECONDS)",
        "self.run.clock.monotonic() + CLAIM_SECONDS",
        workers=True,
    ),
    "numbers not read anew by the next reader": Plant(
        "syncflow/runtime/engine.py",
        "IdCounter(claimed.last_event, claimed.last_delivery)",
        "IdCounter(0, 0)",
        workers=True,
    ),
    "requests of the former holder forgotten": Plant(
        "syncflow/runtime/systems.py",
        "recall(held.usage if held else self._usage.pop(name, None))",
        "recall(None if held else self._usage.pop(name, None))",
        workers=True,
    ),
    "requests of the former holder by the clock of a worker": Plant(
        "syncflow/runtime/journal/tables/sharing.py",
        "_of_system(db, share, moment._replace(wall=now), monotonic)",
        "_of_system(db, share, moment, monotonic)",
        workers=True,
    ),
    "what others committed overtaken by what is handed out": Plant(
        "syncflow/runtime/sharing.py",
        "        self.run.systems.look()\n        reading.start",
        "        reading.start",
        workers=True,
    ),
    "a share let go before what is under way has ended": Plant(
        "syncflow/runtime/sharing.py",
        "            await self._let_end(share)\n            await self.journal.release(share.claim)\n",
        "            await self.journal.release(share.claim)\n            await self._let_end(share)\n",
        workers=True,
    ),
    "a program activated while others send by theirs": Plant(
        "syncflow/runtime/journal/tables/sharing.py",
        "(*absent, now)).fetchone():\n                return None\n",
        "(*absent, now)).fetchone():\n                pass\n",
        workers=True,
    ),
    "deliveries of other readers never looked for": Plant(
        "syncflow/runtime/sharing.py",
        "        if self.reading is None:\n            self.run.systems.look()\n",
        "",
        workers=True,
    ),
}


class _Planting(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports one module with its source changed."""

    def __init__(self, plant: Plant) -> None:
        self.plant = plant
        self.name = plant.file.removesuffix(".py").replace("/", ".")

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        return importlib.util.spec_from_loader(fullname, self) if fullname == self.name else None

    def exec_module(self, module: ModuleType) -> None:
        source = changed(self.plant)
        exec(compile(source, self.plant.file, "exec"), module.__dict__)


def changed(plant: Plant) -> str:
    """Return the file's text with the bug in it."""
    text = (ROOT / plant.file).read_text("utf-8")
    if plant.before not in text:
        raise SystemExit(f"the plant is out of date: {plant.file} has no {plant.before!r}")
    return text.replace(plant.before, plant.after)


def planted_project(plant: Plant, directory: Path) -> Path:
    """Copy the simulated project with the shipped adapters in it, one of them changed."""
    here = Path(__file__).parent / "project"
    project = shutil.copytree(here, directory / "project")
    for path in (ROOT / "syncflow" / "adapters").glob("*.yaml"):
        shutil.copy(path, project / "adapters")
    shutil.copytree(ROOT / "syncflow" / "adapters" / "objects", project / "adapters" / "objects")
    (project / "adapters" / Path(plant.file).name).write_text(changed(plant), "utf-8")
    return project / "routes.yaml"


def main(name: str, seeds: int) -> int:
    """Print the first violation that the plant causes; 0 if it is seen within so many seeds."""
    plant = PLANTS[name]
    with tempfile.TemporaryDirectory() as directory:
        if plant.file.endswith(".py"):
            sys.meta_path.insert(0, _Planting(plant))
            from tests.simulation import programs

            project = programs.PROJECT
        else:
            project = planted_project(plant, Path(directory))
        from tests.simulation.simulate import is_cursed, simulate
        from tests.simulation.soak import spare_the_collector
        from tests.simulation.workers import simulate_workers

        spare_the_collector()
        tried = [each for each in range(2 * seeds) if is_cursed(each)] if plant.cursed else range(seeds)
        for seed in (plant.first, *tried):
            try:
                violations = (simulate_workers if plant.workers else simulate)(seed, project=project)
            except BaseException as exc:  # noqa: BLE001  a bug may show as a crash of the run: that is being seen, too
                violations = [f"the run failed: {exc!r}"]
            if violations:
                sys.stdout.write(f"seed {seed}: {violations[0]}\n")
                return 0
    sys.stdout.write(f"not seen in {seeds} seeds\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
