"""Jinja: text with inserts → the nodes that JMESPath has too, and a value to compute.

* ``allowed`` says what of Jinja may be written, ``faults`` where a text is no Jinja.
* ``spelling`` gives names and constants their places, by the tokens of Jinja's own lexer; ``read`` makes nodes of Jinja's own tree.
* ``built_ins`` are Jinja's own filters and forms, ``library`` calls those that Jinja itself computes.
* ``runtime`` is what code of templates calls. What may grow without bound is charged there as it runs.
* ``template`` is the way in.
"""
