"""moto's server, whose FIFO queues hand a group out again in its order.

moto itself does not: of two messages of a group that were received and not deleted in time, it hands out the second one next and keeps the
first back, for it takes the second one, which is not looked at yet, for in flight. Amazon's queues keep the order: "when you receive a
message with a message group ID, no more messages for the same message group ID are returned unless you delete the message or it becomes
visible".
"""

from __future__ import annotations

import sys
import threading
import time
from copy import deepcopy
from typing import Any

from moto.core.utils import unix_time_millis
from moto.server import main
from moto.sqs import models

_receive = models.SQSBackend.receive_message
_one_at_a_time = threading.Lock()


def receive_in_order(
    backend: Any,
    queue_name: str,
    count: int,
    wait_seconds_timeout: int,
    visibility_timeout: int,
    *names: Any,
    **more: Any,
) -> Any:
    """Return the first messages of groups of which none is in flight."""
    queue = backend.get_queue(queue_name)
    if not queue.fifo_queue or queue.dead_letter_queue is not None:
        return _receive(backend, queue_name, count, wait_seconds_timeout, visibility_timeout, *names, **more)
    end = time.monotonic() + wait_seconds_timeout
    while True:
        with _one_at_a_time:
            now, messages = unix_time_millis(), list(queue._messages)
            held = {message.group_id for message in messages if max(message.visible_at, message.delayed_until) > now}
            found = [message for message in messages if message.group_id not in held][:count]
            for message in found:
                message.mark_received(visibility_timeout=visibility_timeout)
        if found or time.monotonic() >= end:
            return deepcopy(found)
        time.sleep(0.02)


models.SQSBackend.receive_message = receive_in_order  # type: ignore[method-assign,assignment]

if __name__ == "__main__":
    main(sys.argv[1:])
