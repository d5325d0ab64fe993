"""The compiler of expressions: from text and types to Python.

    text ──parse──▶ nodes ──infer──▶ types, findings
                      └──────lower──────┴──▶ values ──write──▶ ast ──▶ function, text for people

The concepts, in this order:

* A **node** (``nodes``) is a construct of JMESPath, of Jinja or of both, and says all of itself: its parts, its type, what it tells where
  it holds, what is suspicious about it, its code. ``nodes.OPERATORS`` is the registry of what stands between two sides.
* A **language** (``language``) is what the two mean differently: what a missing field is, what counts as true, which functions are theirs
  (``built_ins``, ``jinja/built_ins``), how it is written. ``parse`` reads JMESPath with the jmespath library's grammar, ``jinja/read``
  templates with that of jinja2; every node has its place.
* A **scope** (``scope``) is what names mean at a place, as types; a node that holds leaves a narrower one.
* ``infer`` gives every node the type that it has where it stands, and gathers what nodes complain about. ``truth``, ``results`` and
  ``texts`` say what becomes of types; ``misfits``, ``asking`` and ``repeats`` are the complaints that calls share.
* ``lower`` turns nodes into values (``ir``): a graph without a language, in which equal parts are one. Here types choose between plain
  Python and the functions of ``runtime`` and ``jinja/runtime``. ``inlining`` knows the functions of our library that Python itself has.
* ``write`` turns values into Python's ``ast``: what is needed twice becomes a local, named after what it holds.
* ``emitter`` holds it together for one function: add expressions as fields, take the function. ``defaults_and_tables`` is what a
  mapping does with a value besides computing it, ``body`` is a field a line, ``error_places`` names the field that failed.
  ``branches`` makes one function of several emitters.

What generated code relies on: the root is of the type it was compiled for. Then it computes what the library would
compute, or raises DataError where the library fails; the other implementations, ``oracle.py`` and ``sandbox.py`` in
``tests/compiler/expressions/``, list the few differences. Text of a file is in the tree as constants only. Equal input makes equal code.
"""

from syncflow.compiler.expressions.emitter import Emitted, Emitter, Generated, compile_path
from syncflow.compiler.expressions.error_places import FAILURES, FieldError
from syncflow.compiler.expressions.findings import Finding
from syncflow.compiler.expressions.ir import Place

__all__ = ["FAILURES", "Emitted", "Emitter", "FieldError", "Finding", "Generated", "Place", "compile_path"]
