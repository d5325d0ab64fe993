"""A kind of source that another package brings: what stands at an entry point of the group ``syncflow.sources``.

[project.entry-points."syncflow.sources"]
lighthouse = "syncflow_lighthouse.source:LIGHTHOUSE"
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from syncflow.config.models.base import Model
from syncflow.sources.base import Source
from syncflow.sources.surroundings import Surroundings


class Settings(Model):
    """The settings of a kind of source: frozen, and unknown keys are refused."""


S = TypeVar("S", bound=Settings)


@dataclass(frozen=True, slots=True)
class SourceKind(Generic[S]):
    """The settings of a kind of source, and how it is opened.

    ``model`` is what stands under the kind's name in ``source:``; its docstrings become its reference. ``open`` makes the source, whose
    own ``open`` is still to be called; where ``reading.sample`` is set, the source must be finite and change nothing.
    """

    model: type[S]
    open: Callable[[S, Surroundings], Source]
