"""Sources that are a queue of a broker: it hands a message out again until it is acknowledged, and remembers which those are.

    broker ── Message ──▶ queue ── Raw ──▶ run ── acknowledge ──▶ queue ── settle ──▶ broker
                            └──────── hold, of all that is not settled, every so often ──▶

``base`` says what is asked of a broker's client (``Broker``), ``queue`` makes a source of one. Each kind of broker is a module of its own
that knows one library.

The numbers of positions only count what was handed out. A message that comes a second time (the run was killed between its commit and the
acknowledgement, or the broker lost that) is known by its id: the id that its sender gave it, else none, and then it is applied twice.
"""

from syncflow.sources.queues.base import Broker, Message
from syncflow.sources.queues.queue import Preview, Queue, opened_queue, reopened_queue

__all__ = ["Broker", "Message", "Preview", "Queue", "opened_queue", "reopened_queue"]
