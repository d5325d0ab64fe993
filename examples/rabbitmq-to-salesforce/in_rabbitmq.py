"""Put a file of events into the queue, which is made if there is none: RABBITMQ_URL=amqp://… python in_rabbitmq.py morning.jsonl."""

import asyncio
import os
import sys
from pathlib import Path

import aio_pika


async def put(lines: list[bytes], name: str) -> None:
    """Send each line as a message that outlives a restart of the server, with an id by which a repeated one is known."""
    async with await aio_pika.connect(os.environ["RABBITMQ_URL"]) as connection:
        channel = await connection.channel()
        await channel.declare_queue("leads", durable=True)
        for number, line in enumerate(lines, start=1):
            message = aio_pika.Message(line, delivery_mode=2, message_id=f"{name}-{number}")
            await channel.default_exchange.publish(message, "leads")


file = Path(sys.argv[1])
asyncio.run(put(file.read_bytes().splitlines(), file.stem))
