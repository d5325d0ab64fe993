"""Envelopes that are known by a name: what tools that stream changes write → the parts of an event.

In: the decoded body (None: a tombstone) and what came beside it. Out: ``Opened``; ``NotAnEventError`` for what is none.

    row           the body is the record; a tombstone with a key is its delete
    debezium      before, after, op and source, in a payload or not, with a schema or without
    cloudevents   attributes in the body (structured) or in the headers (binary)
    maxwell       database, table, type, data
"""

from syncflow.compiler.door.shapes.build import compile_shape
from syncflow.compiler.door.shapes.parts import NotAnEventError

__all__ = ["NotAnEventError", "compile_shape"]
