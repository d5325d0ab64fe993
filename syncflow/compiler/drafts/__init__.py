"""A schema drafted from what is known of records: their values, a database's types, an Avro schema.

In: values (``observed``), columns as they are declared (``declared``), or an Avro schema (``avro``). Out: a ``Draft`` (``draft``),
which ``write`` turns into the text of a schema file. A draft made of values admits each of them; what goes beyond that is a *guess*, and
marked as one in the text. No value that may be personal leaves this package: ``personal`` says which those are.
"""
