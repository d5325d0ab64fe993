"""Fakes of the APIs that shipped adapters speak to, a module for each; see ``base.py``."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from tests.adapters.vendors.base import Trial


def trials() -> list[Trial]:
    """Return the trials of every module here."""
    modules = [import_module(f"{__name__}.{found.name}") for found in iter_modules(__path__)]
    return [trial for module in modules for trial in getattr(module, "TRIALS", ())]
