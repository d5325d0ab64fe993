"""The compiler of expressions: from text and types to Python.

    text ──parse──▶ nodes ──infer──▶ types, findings
                      └──────lower──────┴──▶ values ──write──▶ ast ──▶ function, text for people

* ``parse`` reads JMESPath with the jmespath library's grammar and gives every node its place. ``nodes`` is all it knows.
* ``infer`` computes a type for every node from the type of the root, and findings where a type shows a mistake.
  ``guards`` narrow, ``truth`` and ``results`` say what operators and JMESPath's functions make of types.
* ``lower`` turns nodes into ``values``: a graph without a language, in which equal parts are one. Here the types choose
  between plain Python and the functions of ``runtime``. Jinja is lowered to the same values.
  ``inlining`` knows the functions of our library that Python itself has.
* ``write`` turns values into Python's ``ast``: what is needed twice becomes a local, named after what it holds.
* ``emitter`` holds it together for one function: add expressions as fields, take the function. ``recipes`` are what a
  mapping does with a value besides computing it, ``body`` is a field a line, ``failing`` names the field that failed.
  ``branches`` makes one function of several emitters.

What generated code relies on: the root is of the type it was compiled for. Then it computes what the library would
compute, or raises DataError where the library fails; ``tests/compiler/code/oracle.py`` lists the few differences.
Text of a file is in the tree as constants only. Equal input makes equal code.
"""

from syncflow.compiler.code.emitter import Emitted, Emitter, Generated, compile_path
from syncflow.compiler.code.failing import FAILURES, FieldError
from syncflow.compiler.code.findings import Finding
from syncflow.compiler.code.values import Place

__all__ = ["FAILURES", "Emitted", "Emitter", "FieldError", "Finding", "Generated", "Place", "compile_path"]
