"""Send a file of messages to the topic as Debezium would: KAFKA=127.0.0.1:9092 python in_kafka.py first_day.jsonl."""

import os
import sys
from pathlib import Path

import orjson
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

TOPIC = "shop.public.customers"
admin = AdminClient({"bootstrap.servers": os.environ["KAFKA"]})
if TOPIC not in admin.list_topics(timeout=60).topics:
    admin.create_topics([NewTopic(TOPIC, 1)])[TOPIC].result(60)

producer = Producer({"bootstrap.servers": os.environ["KAFKA"]})
for line in Path(sys.argv[1]).read_bytes().splitlines():
    change = orjson.loads(line)
    row = change["after"] or change["before"]
    producer.produce(TOPIC, line, key=orjson.dumps({"id": row["id"]}))
assert producer.flush(60) == 0, "Kafka did not take the messages within a minute"
