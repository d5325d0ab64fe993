"""Traces: what a run does as spans of OpenTelemetry, for those who follow a change from where it began to where it ended.

    chunk       read → committed; with a span ``commit`` in it, the write to the journal
    send        one batch: sent → settled; a request, or several, in it
    job         a job, as far as this run carried it
    POST …      one request (sign-ins and look-ups too), in the span of the batch or job for whose sake it is sent

An event may come with a ``traceparent`` (a header of a webhook, of a message). It is journaled with what else came beside the event, and
becomes a link of its chunk and of its batch: a batch has many events, and so no one parent. A batch is traced by chance (``sample``), or
because one of its events belongs to a trace that is recorded.

Nothing stands in a span but names of the project, words of ours and numbers: no key, id, value or address with values.
``spans`` makes them, ``links`` knows which event came with which trace, ``collector`` sends them; ``opening`` puts these together. Only
a thread waits for the collector: a run neither fails by it nor waits for it.
"""
