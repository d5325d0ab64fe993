"""A private broker of Kafka in one process (KRaft), out of its jars; topics of their own for each test.

It listens four times: in the clear, through a proxy that a test may cut (it tells clients the proxy's port), with SASL, and with TLS.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewPartitions, NewTopic

from tests.patience import PATIENCE, until
from tests.ports import free_port, is_listening
from tests.servers import need
from tests.sources.certificates import Authority

CONFIG = """
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAIN://127.0.0.1:{plain},PROXIED://127.0.0.1:{proxied},SASL://127.0.0.1:{sasl},TLS://127.0.0.1:{tls},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAIN://127.0.0.1:{plain},PROXIED://127.0.0.1:{proxy},SASL://127.0.0.1:{sasl},TLS://127.0.0.1:{tls}
listener.security.protocol.map=PLAIN:PLAINTEXT,PROXIED:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL:SASL_PLAINTEXT,TLS:SSL
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAIN
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512
listener.name.sasl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required \\
  user_reader="secret-word" user_stranger="secret-word";
listener.name.sasl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.tls.ssl.keystore.type=PEM
listener.name.tls.ssl.keystore.location={folder}/broker.pem
listener.name.tls.ssl.truststore.type=PEM
listener.name.tls.ssl.truststore.location={folder}/ca.pem
listener.name.tls.ssl.client.auth=required
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS;User:CN=client
log.dirs={folder}/data
num.partitions=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=2
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=2
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
log.retention.check.interval.ms=500
log.retention.ms=-1
file.delete.delay.ms=100
num.network.threads=1
num.io.threads=2
log.cleaner.dedupe.buffer.size=1048577
auto.create.topics.enable=false
"""
# One compiler and the serial collector: it starts sooner, with less memory than a broker in use.
JAVA = (
    "-Xms128m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
)  # fmt: skip


def _jars() -> str | None:
    named = os.environ.get("SYNCFLOW_KAFKA_LIBS")
    folder = Path(named) if named else Path.home() / ".cache" / "syncflow" / "kafka" / "libs"
    return f"{folder}/*" if any(folder.glob("kafka_*.jar")) else None


def is_installed() -> bool:
    return shutil.which("java") is not None and _jars() is not None


@dataclass
class Server:
    folder: Path
    java: str
    jars: str
    ports: dict[str, int] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    def servers(self, listener: str = "plain") -> str:
        return f"127.0.0.1:{self.ports[listener]}"

    def format(self) -> None:
        self.ports = {name: free_port() for name in ("controller", "plain", "proxied", "proxy", "sasl", "tls")}
        authority = Authority(self.folder)
        for name in ("broker", "client"):
            authority.issue(name)
        key = (self.folder / "broker-key.pem").read_text()
        certificates = (self.folder / "broker.pem").read_text() + (self.folder / "ca.pem").read_text()
        (self.folder / "broker.pem").write_text(key + certificates)
        self.config.write_text(CONFIG.format(folder=self.folder, **self.ports))
        identity = (
            urlsafe_b64encode(b"\0" + uuid.uuid4().bytes[1:]).decode().rstrip("=")
        )  # a dash before it would be an option
        user = "SCRAM-SHA-512=[name=reader,password=secret-word,iterations=4096]"
        self._java("kafka.tools.StorageTool", "format", "-t", identity, "-c", str(self.config), "--add-scram", user)

    @property
    def config(self) -> Path:
        return self.folder / "server.properties"

    def _java(self, *arguments: str) -> None:
        command = [self.java, *JAVA, "-cp", self.jars, *arguments]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False, cwd=self.folder)
        assert done.returncode == 0, done.stdout + done.stderr

    def start(self) -> None:
        log = (self.folder / "log").open("ab")
        command = [self.java, *JAVA, "-cp", self.jars, "kafka.Kafka", str(self.config)]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder)
        log.close()
        until(self._has_started_or_ended, otherwise="the broker does not start")
        assert self.process.poll() is None, (self.folder / "log").read_text()

    def _has_started_or_ended(self) -> bool:
        assert self.process is not None
        listens = all(is_listening(self.ports[name]) for name in ("plain", "proxied", "sasl", "tls"))
        return listens or self.process.poll() is not None

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def admin(self) -> AdminClient:
        return AdminClient({"bootstrap.servers": self.servers(), "log_level": 0})


@contextmanager
def running() -> Iterator[Server]:
    """Give a broker. Anonymous clients may do everything; the users ``reader`` and ``stranger`` what they are granted."""
    java = need(shutil.which("java"), "Java")
    jars = need(_jars(), "Kafka")
    server = Server(Path(tempfile.mkdtemp(prefix="syncflow-kafka-")), java, jars)
    try:
        server.format()
        server.start()
        yield server
    finally:
        server.kill()
        shutil.rmtree(server.folder, ignore_errors=True)


class Topics:
    """Topics of one test, with names of their own."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.admin = server.admin()
        self.mark = uuid.uuid4().hex[:8]
        self.group = f"group-{self.mark}"
        self._producer: Producer | None = None

    def name(self, name: str) -> str:
        return f"{name}-{self.mark}" if self.mark else name

    def make(self, name: str = "contacts", partitions: int = 1, **config: str) -> str:
        """Make a topic; return its full name."""
        topic = self.name(name)

        def is_made() -> bool:
            asked = self.admin.create_topics([NewTopic(topic, partitions, 1, config=config)], request_timeout=PATIENCE)
            error = asked[topic].exception()
            assert error is None or "already exists" in str(error), error  # one of that name is still being deleted
            return error is None

        until(is_made)
        self._until_it_is(topic, there=True)
        return topic

    def grow(self, topic: str, partitions: int) -> None:
        self._producer = None  # it would go on with the partitions that it knows
        self.admin.create_partitions([NewPartitions(topic, partitions)])[topic].result()
        until(
            lambda: len(self.admin.list_topics(topic, timeout=PATIENCE).topics[topic].partitions) == partitions,
            otherwise="the broker does not know of them",
        )

    def committed(self, topic: str, *, group: str = "") -> dict[int, int]:
        """Return where a group stands, by partition. The library's admin crashes where a coordinator has only just started."""
        with self._member(group or self.group) as member:
            count = len(self.admin.list_topics(topic, timeout=PATIENCE).topics[topic].partitions)
            wanted = [TopicPartition(topic, number) for number in range(count)]
            found: list[TopicPartition] = []

            def is_told() -> bool:
                with suppress(KafkaException):  # its coordinator is only just being chosen
                    found[:] = member.committed(wanted, timeout=PATIENCE)
                return bool(found)

            until(is_told, otherwise="the group has no coordinator")
        return {each.partition: each.offset for each in found if each.offset >= 0}

    @contextmanager
    def _member(self, group: str) -> Iterator[Consumer]:
        member = Consumer({"bootstrap.servers": self.server.servers(), "group.id": group, "log_level": 0})
        try:
            yield member
        finally:
            member.close()

    def commit(self, topic: str, offset: int) -> None:
        """Let the group stand elsewhere, as another consumer of it would."""
        with self._member(self.group) as member:
            place = TopicPartition(topic, 0, offset)
            (done,) = member.commit(offsets=[place], asynchronous=False)
            assert done.error is None

    def remove(self, topic: str) -> None:
        self.admin.delete_topics([topic])[topic].result()
        self._until_it_is(topic, there=False)

    def _until_it_is(self, topic: str, *, there: bool) -> None:
        def is_so() -> bool:
            found = self.admin.list_topics(timeout=PATIENCE).topics
            return (topic in found and found[topic].error is None) == there

        until(is_so, otherwise="the broker does not know of it")

    def send(
        self,
        topic: str,
        values: Sequence[bytes | None],
        *,
        keys: Sequence[bytes | None] = (),
        headers: Mapping[str, bytes | None] | None = None,
        partition: int = -1,
        timestamp: int = 0,
    ) -> None:
        """Send values, each with its key if there are any, and wait until they are written."""
        if self._producer is None:
            self._producer = Producer({"bootstrap.servers": self.server.servers(), "linger.ms": 5, "log_level": 0})
        for value, key in zip(values, keys or [None] * len(values), strict=True):
            self._producer.produce(
                topic,
                value,
                key=key,
                partition=partition,
                timestamp=timestamp,
                headers=None if headers is None else list(headers.items()),
            )
            self._producer.poll(0)
        assert self._producer.flush(30) == 0

    def transaction(self, topic: str, values: Sequence[bytes], *, commits: bool) -> None:
        producer = Producer(
            {
                "bootstrap.servers": self.server.servers(),
                "transactional.id": f"{self.mark}-{uuid.uuid4()}",
                "log_level": 0,
            }
        )
        producer.init_transactions(30)
        producer.begin_transaction()
        for value in values:
            producer.produce(topic, value)
        producer.flush(30)
        (producer.commit_transaction if commits else producer.abort_transaction)(30)
