"""Environments apart from ours, for other tools: made from a lock when first measured, and again when the lock changes."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import venv
from pathlib import Path

from bench.figures import LeftOutError
from bench.processes import ROOT


def environment(lock: Path) -> Path:
    """Return the folder of an environment's commands, where what ``lock`` names is installed; LeftOutError where it cannot be."""
    name = lock.stem.removeprefix("requirements-")
    folder = ROOT / "build" / f"bench-with-{name}"
    stamp, wanted = folder / ".lock", hashlib.sha256(lock.read_bytes()).hexdigest()
    if not stamp.exists() or stamp.read_text("ascii") != wanted:
        _install(lock, folder)
        stamp.write_text(wanted, "ascii")
    return _commands(folder)


def _install(lock: Path, folder: Path) -> None:
    print(f"  setting up what {lock.name} names", file=sys.stderr, flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    venv.create(folder, with_pip=True)
    install = [str(_commands(folder) / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    ended = subprocess.run([*install, "--require-hashes", "-r", str(lock)], capture_output=True, text=True, check=False)
    if ended.returncode:
        said = ended.stderr.strip().splitlines()
        raise LeftOutError(f"{lock.name} cannot be installed here: {said[-1] if said else ended.returncode}")


def _commands(folder: Path) -> Path:
    return folder / ("Scripts" if sys.platform == "win32" else "bin")
