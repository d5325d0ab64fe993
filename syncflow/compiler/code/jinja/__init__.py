"""Jinja: text with inserts → a type, findings, and a value to compute, on the emitter that JMESPath is written on.

text ─ read ─▶ nodes with places ─ infer ─▶ types, findings ─ lower ─▶ values ─ (the emitter) ─▶ code

* ``spelling`` gives names and constants their places, by the tokens of Jinja's own lexer.
* ``read`` turns Jinja's own tree into our small nodes. What is allowed at all is decided in ``languages/templates``; what is
  allowed and has no node of ours becomes an ``Other``.
* ``infer`` follows a template from its beginning to its end: every node gets the type that it has where it stands, after the
  guards, loops and ``set`` around it. Absent is a value here, and another than null: it fails where it is used.
* ``lower`` makes values of statements, ``expressions`` of what they insert, bind and ask, both by ``making``. Python joins
  the texts; what the types prove is plain, and what they do not goes through the functions of ``runtime``, which mean what
  the sandbox means. A template with an ``Other`` in it, or one that could grow without bound, is rendered by Jinja's own
  compiled template: sandboxed, strict, bounded.

One difference is wanted: the sandbox charges every text that a filter makes, compiled code only bounds every text that it joins
and every loop. What the sandbox renders, compiled code renders alike.
"""
