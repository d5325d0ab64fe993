"""A queue of SQS: messages are deleted once they are acknowledged, prolonged while they wait, known by their ids."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from syncflow.config.models.source_sqs import SqsSource
from syncflow.errors import ProjectError, SyncflowError, UnavailableError
from syncflow.sources.base import Finding, Lag, Report
from syncflow.sources.queues.sqs import SqsQueue
from syncflow.sources.queues.sqs_client import reworded
from syncflow.testing import VirtualClock, run_virtually
from tests.journeys.length import hold
from tests.servers.moto import Moto, running
from tests.servers.proxy import Proxy
from tests.sources.queues.redis_kit import read, texts
from tests.sources.queues.sqs_kit import Answers, Queue


@pytest.fixture(scope="module")
def moto() -> Iterator[Moto]:
    with running() as server:
        yield server


@pytest.fixture
def queue(moto: Moto) -> Queue:
    return Queue(moto)


def test_messages_are_deleted_when_acknowledged_and_the_rest_is_given_back_at_once(queue: Queue) -> None:
    async def main() -> None:
        ids = queue.send("a", "b", "c")
        source = queue.source()
        await source.open({})
        raws = await read(source, 3)
        assert texts(raws) == ["a", "b", "c"]
        assert [raw.event_id for raw in raws] == [f"{queue.name}/{message}" for message in ids]
        assert source.kept_by(f"sqs:{queue.name}") == "broker"
        await source.acknowledge(raws[1].position)
        assert queue.counts() == (0, 1)
        await source.close()
        assert queue.counts() == (1, 0)
        again = queue.source()
        await again.open({})
        (raw,) = await read(again, 1)
        assert (raw.body, raw.event_id) == (b"c", raws[2].event_id)
        await again.acknowledge(raw.position)
        await again.close()
        assert queue.counts() == (0, 0)

    asyncio.run(main())


@pytest.mark.parametrize("most", [1, 7, 500])
def test_the_size_of_chunks_loses_nothing_and_a_repeat_has_its_id(queue: Queue, most: int) -> None:
    async def main() -> None:
        sent = dict(zip(queue.send(*map(str, range(45))), range(45), strict=True))
        source = queue.source()
        await source.open({})
        found: dict[str, int] = {}
        # A standard queue may hand out a message twice, and so does the stand-in: also those are read and acknowledged.
        while len(found) < 45 or queue.counts() != (0, 0):
            raws = await source.read(most=most)
            assert len(raws) <= most
            found |= {raw.event_id.rpartition("/")[2]: int(raw.body) for raw in raws}
            await source.acknowledge(raws[-1].position)
        assert found == sent
        await source.close()

    asyncio.run(main())


def test_a_group_of_a_fifo_queue_keeps_its_order(moto: Moto) -> None:
    async def main() -> None:
        queue = Queue(moto, is_fifo=True)
        for number in range(12):
            queue.send(f"{number}", MessageGroupId=f"g{number % 2}")
        source = queue.source()
        await source.open({})
        found: list[int] = []
        while len(found) < 12:
            raws = await source.read(most=5)
            found += map(int, texts(raws))
            await source.acknowledge(raws[-1].position)
        await source.close()
        assert [number for number in found if number % 2 == 0] == list(range(0, 12, 2))
        assert [number for number in found if number % 2 == 1] == list(range(1, 12, 2))

    asyncio.run(main())


def test_what_comes_beside_a_message_is_seen_by_envelopes(moto: Moto) -> None:
    async def main() -> None:
        queue = Queue(moto, is_fifo=True)
        attributes = {
            "kind": {"DataType": "String", "StringValue": "contact"},
            "try": {"DataType": "Number", "StringValue": "3"},
            "raw": {"DataType": "Binary", "BinaryValue": b"\xff"},
        }
        (message,) = queue.send("a", MessageGroupId="g1", MessageAttributes=attributes)
        source = queue.source()
        await source.open({})
        (raw,) = await read(source, 1)
        assert raw.meta is not None
        time, sequence = raw.meta.pop("time"), raw.meta.pop("sequence")
        assert raw.meta == {
            "queue": queue.name,
            "id": message,
            "headers": {"kind": "contact", "try": "3"},
            "receives": 1,
            "group": "g1",
            "deduplication_id": "d-a",
        }
        assert isinstance(time, str)
        assert time.endswith("+00:00")
        assert sequence
        await source.close()

    asyncio.run(main())


def test_a_message_that_is_too_long_is_broken_and_the_rest_goes_on(queue: Queue) -> None:
    async def main() -> None:
        queue.send("x" * 31, "good")
        source = queue.source(max_event=30)
        await source.open({})
        raws = await read(source, 2)
        assert [raw.broken for raw in raws] == ["longer than max_event, which is 30 bytes", ""]
        await source.acknowledge(raws[-1].position)
        await source.close()
        assert queue.counts() == (0, 0)

    asyncio.run(main())


def test_messages_that_are_held_for_longer_than_their_visibility_are_handed_to_no_one_else(queue: Queue) -> None:
    async def main() -> None:
        queue.send("a")
        source = queue.source(visibility="8s")
        await source.open({})
        (raw,) = await read(source, 1)
        await asyncio.sleep(hold(9))  # the run holds back
        other = await asyncio.to_thread(queue.client.receive_message, QueueUrl=queue.url, WaitTimeSeconds=0)
        assert "Messages" not in other
        await source.acknowledge(raw.position)
        await source.close()
        assert queue.counts() == (0, 0)

    asyncio.run(main())


def test_connections_that_are_cut_lose_nothing_and_what_comes_again_has_its_id(queue: Queue) -> None:
    async def main() -> None:
        sent = dict(zip(queue.send(*map(str, range(20))), range(20), strict=True))
        proxy = Proxy(queue.server.port)
        port = await proxy.start()
        source = queue.source(endpoint=f"http://127.0.0.1:{port}", queue=queue.name, visibility="2s")
        await source.open({})
        found: dict[str, int] = {}
        for cut in range(1000):
            reading = asyncio.ensure_future(source.read(most=4))
            if cut < 3:
                await asyncio.sleep(0.02 * (cut + 1))
                proxy.cut()
            raws = await reading
            found |= {raw.event_id.rpartition("/")[2]: int(raw.body) for raw in raws}
            await source.acknowledge(raws[-1].position)
            if len(found) == len(sent):
                break
        assert found == sent
        await source.close()
        await proxy.close()

    asyncio.run(main())


def test_a_service_that_is_gone_is_told_once_and_tried_again(queue: Queue) -> None:
    async def main() -> None:
        proxy = Proxy(queue.server.port)
        port = await proxy.start()
        source = queue.source(endpoint=f"http://127.0.0.1:{port}")
        await source.open({})
        reading = asyncio.ensure_future(source.read(most=10))
        await asyncio.sleep(0.2)
        proxy.lead_to(1)
        proxy.cut()
        while not (told := list(source.reports())):
            await asyncio.sleep(0.1)
        assert [report.kind for report in told] == ["lost"]
        await asyncio.sleep(1)
        assert list(source.reports()) == []
        proxy.lead_to(queue.server.port)
        queue.send("a")
        assert texts(await reading) == ["a"]
        assert [report.kind for report in source.reports()] == ["back"]
        await source.close()
        await proxy.close()

    asyncio.run(main())


def test_a_receipt_that_is_not_valid_any_more_is_no_error(queue: Queue) -> None:
    async def main() -> None:
        broker = queue.broker()
        await broker.open()
        await broker.settle(["no-such-receipt"])
        await broker.hold(["no-such-receipt"])
        await broker.close(["no-such-receipt"])

    asyncio.run(main())


def test_how_much_waits_and_what_a_check_finds(moto: Moto) -> None:
    async def main() -> None:
        dead = Queue(moto)
        arn = dead.client.get_queue_attributes(QueueUrl=dead.url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        queue = Queue(moto, RedrivePolicy=f'{{"deadLetterTargetArn": "{arn}", "maxReceiveCount": 2}}')
        queue.send("a", "b")
        broker = queue.broker()
        await broker.open()
        await broker.receive(most=1)
        assert await broker.backlog() == Lag(events=2)
        assert await broker.check() == [
            Finding(f"the queue {queue.name} is there: about 0 messages wait, 2 are in flight"),
            Finding("messages that are not read are removed after 4 days"),
            Finding(
                "a message is moved to a dead letter queue after 2 receives",
                "raise maxReceiveCount: each start of a run that was killed receives its messages once more",
                is_good=False,
            ),
        ]
        await broker.close(())

    asyncio.run(main())


def test_a_preview_gives_the_messages_back_and_says_so(queue: Queue) -> None:
    async def main() -> None:
        queue.send("a", "b", "c")
        source = queue.source(is_preview=True)
        await source.open({})
        assert texts(await source.read(most=2)) == ["a", "b"]
        assert list(await source.read(most=2)) == []
        words = "the messages were received and given back: SQS counts that as one receive of each"
        assert list(source.reports()) == [Report("noted", words)]
        await source.close()
        assert queue.counts() == (3, 0)

    asyncio.run(main())


@pytest.mark.parametrize(
    ("named", "region"), [("{url}", "eu-central-1"), ("arn:aws:sqs:eu-central-1:123456789012:{name}", None)]
)
def test_a_queue_is_named_by_its_url_or_its_arn_too(queue: Queue, named: str, region: str | None) -> None:
    async def main() -> None:
        queue.send("a")
        source = queue.source(queue=named.format(url=queue.url, name=queue.name), region=region)
        await source.open({})
        (raw,) = await read(source, 1)
        assert raw.position.partition == f"sqs:{queue.name}"
        await source.close()

    asyncio.run(main())


def test_a_queue_that_is_not_there_and_a_service_that_is_not_there_are_told(queue: Queue) -> None:
    async def failure(**changes: Any) -> SyncflowError:
        source = queue.source(**changes)
        with pytest.raises(SyncflowError) as told:
            await source.open({})
        await source.close()
        (finding,) = await queue.source(**changes).check()
        assert (finding.words, finding.is_good) == (told.value.message, False)
        return told.value

    async def main() -> None:
        missing = await failure(queue="no-such-queue")
        assert isinstance(missing, ProjectError)
        assert missing.message == "there is no queue no-such-queue in this region and account"
        assert missing.hint == "check `queue`, `region` and the account of the credentials"
        away = await failure(endpoint="http://127.0.0.1:1")
        assert isinstance(away, UnavailableError)
        assert away.message == "SQS cannot be reached"

    asyncio.run(main())


SETTINGS = SqsSource(queue="contacts", region="eu-central-1")


def test_deletions_that_sqs_did_not_carry_out_are_tried_again_and_those_of_old_receipts_are_not() -> None:
    async def main() -> None:
        refused = iter([["a", "old"], ["a"], []])

        def answer(operation: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
            if operation != "delete_message_batch":
                return {"Attributes": {}}
            bad = next(refused)
            return {
                "Failed": [
                    {"Id": each["Id"], "SenderFault": each["ReceiptHandle"] == "old", "Code": "x"}
                    for each in parameters["Entries"]
                    if each["ReceiptHandle"] in bad
                ]
            }

        service = Answers(answer)
        broker = SqsQueue(SETTINGS, connect=lambda: service, clock=VirtualClock())
        await broker.open()
        await broker.settle(["a", "b", "old"])
        sent = [
            [each["ReceiptHandle"] for each in parameters["Entries"]]
            for operation, parameters in service.heard
            if operation == "delete_message_batch"
        ]
        assert sent == [["a", "b", "old"], ["a"], ["a"]]

    run_virtually(main())


def test_a_deletion_that_is_never_carried_out_ends_the_connection() -> None:
    async def main() -> None:
        failed = {"Failed": [{"Id": "0", "SenderFault": False, "Code": "InternalError"}], "Attributes": {}}
        broker = SqsQueue(SETTINGS, connect=lambda: Answers(lambda _o, _p: failed), clock=VirtualClock())
        await broker.open()
        with pytest.raises(UnavailableError, match="SQS did not delete messages of the queue contacts"):
            await broker.settle(["a"])

    run_virtually(main())


def test_requests_are_of_ten_and_messages_that_wait_in_the_client_are_prolonged_and_given_back() -> None:
    async def main() -> None:
        numbers = iter(range(1000))

        def answer(operation: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
            if operation != "receive_message":
                assert len(parameters.get("Entries", ())) <= 10
                return {"Attributes": {}}
            found = [str(next(numbers)) for _ in range(10)]
            return {"Messages": [{"MessageId": n, "ReceiptHandle": n, "Body": n} for n in found]}

        service = Answers(answer)
        broker = SqsQueue(SETTINGS, connect=lambda: service, clock=VirtualClock())
        await broker.open()
        handed = [message.handle for _ in range(3) for message in await broker.receive(most=10)]
        for _ in range(5):
            await asyncio.sleep(0)
        service.heard.clear()
        await broker.hold(handed)
        held = prolonged(service)
        assert set(handed) < set(held)
        service.heard.clear()
        await broker.close(handed)
        assert sorted(prolonged(service)) == sorted(held)
        assert {each["VisibilityTimeout"] for _, given in service.heard for each in given["Entries"]} == {0}

    run_virtually(main())


def prolonged(service: Answers) -> list[str]:
    return [each["ReceiptHandle"] for _, parameters in service.heard for each in parameters.get("Entries", ())]


class RefusedError(Exception):
    """As botocore raises it."""

    def __init__(self, code: str, status: int = 400) -> None:
        super().__init__("An error with account 123456789012 and key AKIAEXAMPLE")
        self.response = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (
            RefusedError("AWS.SimpleQueueService.NonExistentQueue"),
            ProjectError,
            "there is no queue contacts in this region and account",
        ),
        (RefusedError("AccessDenied", 403), ProjectError, "a right to the queue contacts is missing"),
        (RefusedError("InvalidClientTokenId", 403), ProjectError, "SQS refuses the credentials"),
        (RefusedError("SignatureDoesNotMatch", 403), ProjectError, "SQS refuses the credentials"),
        (RefusedError("ExpiredToken", 403), UnavailableError, "the credentials for SQS have expired"),
        (RefusedError("InvalidAddress", 404), ProjectError, "the queue contacts is in another region"),
        (
            RefusedError("OverLimit", 403),
            UnavailableError,
            "as many messages of the queue contacts are in flight as may be",
        ),
        (
            RefusedError("KMS.AccessDeniedException"),
            ProjectError,
            "the key that the messages are encrypted with cannot be used",
        ),
        (RefusedError("RequestThrottled", 403), UnavailableError, "SQS asks to try later"),
        (RefusedError("Surprise", 502), UnavailableError, "SQS asks to try later"),
        (RefusedError("Surprise"), ProjectError, "SQS refused a request about the queue contacts (Surprise)"),
        (KeyError("AKIAEXAMPLE"), ProjectError, "SQS refused a request about the queue contacts (KeyError)"),
    ],
    ids=lambda value: (
        getattr(value, "response", {}).get("Error", {}).get("Code", "") if isinstance(value, Exception) else ""
    ),
)
def test_each_refusal_has_words_without_data(error: Exception, kind: type[SyncflowError], message: str) -> None:
    told = reworded(error, SETTINGS)
    assert (isinstance(told, kind), told.message) == (True, message)
    assert "AKIA" not in told.hint
    assert "123456789012" not in told.hint
