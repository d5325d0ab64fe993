"""Where events come from: one file a source, one small protocol for all; ``open_source`` makes the one asked for."""

from syncflow.sources.base import Source
from syncflow.sources.build import Surroundings, open_source

__all__ = ["Source", "Surroundings", "open_source"]
