"""Where events come from: one file a source, one small protocol for all; ``open_source`` makes the one asked for."""

from syncflow.sources.base import Source
from syncflow.sources.build import open_source
from syncflow.sources.surroundings import ReadOptions, Surroundings

__all__ = ["ReadOptions", "Source", "Surroundings", "open_source"]
