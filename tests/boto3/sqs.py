"""SQS: queues, visibility, receive counts and dead-letter queues."""

import hashlib
import json
import time
from typing import Any

from aws import Aws, allow, policy
from behaviour import behaviour, check, equal, eventually, refuses, refuses_with

CREATE = "SQS API Reference, CreateQueue"
SEND = "SQS API Reference, SendMessage"
RECEIVE = "SQS API Reference, ReceiveMessage"
VISIBILITY = "SQS Developer Guide, Amazon SQS visibility timeout"
DEAD = "SQS Developer Guide, Using dead-letter queues in Amazon SQS"
BATCH = "SQS API Reference, SendMessageBatch"
QUOTAS = "SQS Developer Guide, Amazon SQS message quotas"
MISSING = ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")


def receive(aws: Aws, url: str, wait: int = 0, **more: Any) -> list[dict[str, Any]]:
    asked = {"QueueUrl": url, "MessageSystemAttributeNames": ["All"], "MessageAttributeNames": ["All"]}
    return aws.sqs.receive_message(**asked, WaitTimeSeconds=wait, **more).get("Messages", [])


def one(aws: Aws, url: str, **more: Any) -> dict[str, Any]:
    """The next message, waited for."""
    return eventually(lambda: receive(aws, url, wait=1, **more), "a message's arrival")[0]


def arn(aws: Aws, url: str) -> str:
    return aws.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


@behaviour(CREATE)
def making_a_queue_again_answers_its_url(aws: Aws) -> None:
    """CreateQueue of a queue that is there answers its URL, unless an attribute differs."""
    name = aws.name("q")
    attributes = {"VisibilityTimeout": "45"}
    url = aws.sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    equal(aws.sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"], url, "the URL")
    other = {"QueueName": name, "Attributes": {"VisibilityTimeout": "46"}}
    refuses_with(400, ("QueueAlreadyExists", "QueueNameExists"), aws.sqs.create_queue, **other)


@behaviour(CREATE)
def queue_names_have_80_characters_at_most(aws: Aws) -> None:
    """A queue name has letters, digits, hyphens and underscores, 80 at most."""
    aws.sqs.create_queue(QueueName=aws.name("q").ljust(80, "x"))
    for name in ("a b", "a.b", "q" * 81):
        refuses_with(400, "InvalidParameterValue", aws.sqs.create_queue, QueueName=name)


@behaviour("SQS API Reference, DeleteQueue")
def a_deleted_queues_name_rests_for_a_minute(aws: Aws) -> None:
    """A queue with the name of one that was deleted in the last 60 seconds cannot be made."""
    name = aws.name("q")
    aws.sqs.delete_queue(QueueUrl=aws.sqs.create_queue(QueueName=name)["QueueUrl"])
    codes = ("AWS.SimpleQueueService.QueueDeletedRecently", "QueueDeletedRecently")
    refuses_with(400, codes, aws.sqs.create_queue, QueueName=name)


@behaviour("SQS API Reference, GetQueueUrl and SendMessage")
def a_missing_queue_is_told(aws: Aws) -> None:
    """Operations on a queue that does not exist are QueueDoesNotExist, HTTP 400."""
    url, name = aws.queue(), aws.name("none")
    refuses_with(400, MISSING, aws.sqs.get_queue_url, QueueName=name)
    missing = url.rsplit("/", 1)[0] + "/" + name
    refuses_with(400, MISSING, aws.sqs.send_message, QueueUrl=missing, MessageBody="x")
    refuses_with(400, MISSING, aws.sqs.receive_message, QueueUrl=missing)


@behaviour("SQS API Reference, GetQueueAttributes")
def a_queue_has_default_attributes(aws: Aws) -> None:
    """Visibility is 30 seconds, retention 4 days, delay and wait none, and messages have at most 1 MiB."""
    name = aws.name("q")
    url = aws.sqs.create_queue(QueueName=name)["QueueUrl"]
    attributes = aws.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    expected = {
        "VisibilityTimeout": "30",
        "MessageRetentionPeriod": "345600",
        "DelaySeconds": "0",
        "ReceiveMessageWaitTimeSeconds": "0",
        "MaximumMessageSize": "1048576",
        "ApproximateNumberOfMessages": "0",
        "QueueArn": f"arn:aws:sqs:us-east-1:{aws.mine}:{name}",
    }
    equal({key: attributes.get(key) for key in expected}, expected, "an attribute")


@behaviour("SQS API Reference, SetQueueAttributes")
def attributes_have_names_and_ranges(aws: Aws) -> None:
    """An unknown attribute is InvalidAttributeName, a value out of range InvalidAttributeValue."""
    url = aws.queue()
    for name, number in (
        ("VisibilityTimeout", "43201"),
        ("DelaySeconds", "901"),
        ("ReceiveMessageWaitTimeSeconds", "21"),
    ):
        wrong = {"QueueUrl": url, "Attributes": {name: number}}
        refuses_with(400, "InvalidAttributeValue", aws.sqs.set_queue_attributes, **wrong)
    refuses_with(400, "InvalidAttributeName", aws.sqs.set_queue_attributes, QueueUrl=url, Attributes={"Colour": "red"})


@behaviour(SEND)
def a_message_comes_with_digests_and_attributes(aws: Aws) -> None:
    """A message has its id, the MD5 of its body, its attributes, SentTimestamp and ApproximateReceiveCount."""
    url = aws.queue()
    attributes = {
        "kind": {"DataType": "String", "StringValue": "greeting"},
        "n": {"DataType": "Number", "StringValue": "1"},
    }
    sent = aws.sqs.send_message(QueueUrl=url, MessageBody="hello", MessageAttributes=attributes)
    got = one(aws, url)
    digest = hashlib.md5(b"hello").hexdigest()
    equal((sent["MD5OfMessageBody"], got["MD5OfBody"], got["Body"]), (digest, digest, "hello"), "the body")
    equal((got["MessageId"], got["MessageAttributes"]), (sent["MessageId"], attributes), "the message")
    equal(got["MD5OfMessageAttributes"], sent["MD5OfMessageAttributes"], "the digest of the attributes")
    equal(got["Attributes"]["ApproximateReceiveCount"], "1", "the receive count")
    check(abs(int(got["Attributes"]["SentTimestamp"]) / 1000 - time.time()) < 60, "the time is another")


@behaviour(VISIBILITY)
def a_received_message_is_hidden_for_a_while(aws: Aws) -> None:
    """A received message is not received again until its visibility timeout is over; then its count is two."""
    url = aws.queue(VisibilityTimeout="2")
    aws.sqs.send_message(QueueUrl=url, MessageBody="x")
    first = one(aws, url)
    equal(receive(aws, url), [], "what is received while it is hidden")
    second = one(aws, url)
    equal(second["MessageId"], first["MessageId"], "the message")
    equal(second["Attributes"]["ApproximateReceiveCount"], "2", "the receive count")


@behaviour("SQS API Reference, ChangeMessageVisibility")
def a_message_can_be_shown_at_once(aws: Aws) -> None:
    """ChangeMessageVisibility to 0 shows a message again, and to more hides it for longer; 43,200 s at most."""
    url = aws.queue()
    aws.sqs.send_message(QueueUrl=url, MessageBody="x")
    change = {"QueueUrl": url, "ReceiptHandle": one(aws, url)["ReceiptHandle"]}
    refuses_with(400, "InvalidParameterValue", aws.sqs.change_message_visibility, **change, VisibilityTimeout=43_201)
    aws.sqs.change_message_visibility(**change, VisibilityTimeout=0)
    equal(one(aws, url)["Attributes"]["ApproximateReceiveCount"], "2", "the receive count")


@behaviour("SQS API Reference, DeleteMessage")
def a_deleted_message_does_not_come_back(aws: Aws) -> None:
    """A deleted message is not received again; deleting it twice is no error, an invalid handle is one."""
    url = aws.queue()
    for body in ("first", "second"):
        aws.sqs.send_message(QueueUrl=url, MessageBody=body)
    got = one(aws, url, VisibilityTimeout=0)
    for _ in range(2):
        aws.sqs.delete_message(QueueUrl=url, ReceiptHandle=got["ReceiptHandle"])
    bodies = {one(aws, url, VisibilityTimeout=0)["Body"] for _ in range(3)}
    check(got["Body"] not in bodies, "it is received again")
    refuses("ReceiptHandleIsInvalid", aws.sqs.delete_message, QueueUrl=url, ReceiptHandle="garbage")


@behaviour(SEND)
def a_message_can_be_delayed(aws: Aws) -> None:
    """DelaySeconds hides a new message, 900 s at most; a long poll receives it as soon as it is there."""
    url = aws.queue()
    refuses_with(400, "InvalidParameterValue", aws.sqs.send_message, QueueUrl=url, MessageBody="x", DelaySeconds=901)
    aws.sqs.send_message(QueueUrl=url, MessageBody="x", DelaySeconds=2)
    counts = ["ApproximateNumberOfMessagesDelayed", "ApproximateNumberOfMessages"]
    told = aws.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=counts)["Attributes"]
    equal(told, {counts[0]: "1", counts[1]: "0"}, "a number of messages")
    equal(receive(aws, url), [], "what is received at once")
    begun = time.monotonic()
    check(receive(aws, url, wait=15), "the long poll receives nothing")
    check(time.monotonic() - begun < 10, "the long poll does not end when the message is there")


@behaviour("SQS Developer Guide, Amazon SQS short and long polling")
def a_long_poll_waits(aws: Aws) -> None:
    """A long poll of an empty queue lasts as long as it was asked to, by the request or by the queue."""
    url = aws.queue(ReceiveMessageWaitTimeSeconds="2")
    begun = time.monotonic()
    aws.sqs.receive_message(QueueUrl=url)
    check(1.5 < time.monotonic() - begun < 10, "the queue's wait time is not kept")
    begun = time.monotonic()
    aws.sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1)
    check(0.5 < time.monotonic() - begun < 1.9, "the request's wait time is not kept")


@behaviour(RECEIVE)
def a_receive_has_limits(aws: Aws) -> None:
    """1 to 10 messages, 20 seconds of waiting, 43,200 seconds of visibility."""
    url = aws.queue()
    for wrong in (
        {"MaxNumberOfMessages": 0},
        {"MaxNumberOfMessages": 11},
        {"WaitTimeSeconds": 21},
        {"VisibilityTimeout": 43_201},
    ):
        begun = time.monotonic()
        refuses_with(400, "InvalidParameterValue", aws.sqs.receive_message, QueueUrl=url, **wrong)
        check(time.monotonic() - begun < 5, "it is refused after the wait only")


@behaviour(QUOTAS)
def a_message_has_one_mebibyte_at_most(aws: Aws) -> None:
    """A message has 1 byte to 1 MiB, and characters that XML has."""
    url = aws.queue()
    aws.sqs.send_message(QueueUrl=url, MessageBody="x" * 1_048_576)
    refuses_with(400, "InvalidParameterValue", aws.sqs.send_message, QueueUrl=url, MessageBody="x" * 1_048_577)
    refuses_with(400, "InvalidMessageContents", aws.sqs.send_message, QueueUrl=url, MessageBody="\u0001")


def with_dead_letters(aws: Aws, most: int) -> tuple[str, str]:
    dead = aws.queue()
    redrive = json.dumps({"deadLetterTargetArn": arn(aws, dead), "maxReceiveCount": most})
    return aws.queue(VisibilityTimeout="1", RedrivePolicy=redrive), dead


@behaviour(DEAD)
def a_message_received_too_often_is_a_dead_letter(aws: Aws) -> None:
    """After maxReceiveCount receives without a deletion a message moves to the dead-letter queue."""
    url, dead = with_dead_letters(aws, 2)
    aws.sqs.send_message(QueueUrl=url, MessageBody="poison")
    counts = [one(aws, url)["Attributes"]["ApproximateReceiveCount"] for _ in range(2)]
    equal(counts, ["1", "2"], "the receive counts")
    # Messages move when they would be received.
    letter = eventually(lambda: receive(aws, url) or receive(aws, dead, wait=1), "the move")[0]
    equal((letter["Body"], receive(aws, url)), ("poison", []), "where the message is")


@behaviour(DEAD)
def a_dead_letter_keeps_its_id_and_time(aws: Aws) -> None:
    """A dead letter of a standard queue keeps its id and its SentTimestamp, and names the queue that it came from."""
    url, dead = with_dead_letters(aws, 1)
    aws.sqs.send_message(QueueUrl=url, MessageBody="poison")
    first = one(aws, url)
    letter = eventually(lambda: receive(aws, url) or receive(aws, dead, wait=1), "the move")[0]
    equal(letter["MessageId"], first["MessageId"], "the id")
    equal(letter["Attributes"]["SentTimestamp"], first["Attributes"]["SentTimestamp"], "the time")
    equal(letter["Attributes"].get("DeadLetterQueueSourceArn"), arn(aws, url), "the source")


@behaviour(DEAD)
def a_dead_letter_queue_must_exist(aws: Aws) -> None:
    """A RedrivePolicy whose queue does not exist is InvalidParameterValue."""
    nowhere = {"deadLetterTargetArn": f"arn:aws:sqs:us-east-1:{aws.mine}:{aws.name('none')}", "maxReceiveCount": 2}
    attributes = {"RedrivePolicy": json.dumps(nowhere)}
    refuses_with(
        400, "InvalidParameterValue", aws.sqs.set_queue_attributes, QueueUrl=aws.queue(), Attributes=attributes
    )


@behaviour(DEAD)
def max_receive_count_is_1_to_1000(aws: Aws) -> None:
    """maxReceiveCount is 1 to 1,000."""
    url, target = aws.queue(), arn(aws, aws.queue())
    for most in (0, 1001):
        redrive = {"RedrivePolicy": json.dumps({"deadLetterTargetArn": target, "maxReceiveCount": most})}
        refuses_with(400, "InvalidParameterValue", aws.sqs.set_queue_attributes, QueueUrl=url, Attributes=redrive)


@behaviour(BATCH)
def a_batch_has_1_to_10_entries_with_distinct_ids(aws: Aws) -> None:
    """A batch that is empty, has the same id twice or more than ten entries, or more than 1 MiB, fails as a whole."""
    url = aws.queue()

    def fails(code: str, *bodies: str, ids: str = "abcdefghijklm") -> None:
        entries = [{"Id": name, "MessageBody": body} for name, body in zip(ids, bodies)]
        codes = (f"AWS.SimpleQueueService.{code}", code)
        refuses_with(400, codes, aws.sqs.send_message_batch, QueueUrl=url, Entries=entries)

    fails("EmptyBatchRequest")
    fails("BatchEntryIdsNotDistinct", "1", "2", ids="aa")
    fails("TooManyEntriesInBatchRequest", *(["x"] * 11))
    fails("BatchRequestTooLong", "x" * 600_000, "x" * 600_000)
    equal(receive(aws, url), [], "what was sent")


@behaviour(BATCH)
def the_entries_of_a_batch_fail_by_themselves(aws: Aws) -> None:
    """A batch with a bad entry is answered with 200; the good entries are Successful, the bad one Failed."""
    url = aws.queue()
    entries = [{"Id": "good", "MessageBody": "x"}, {"Id": "bad", "MessageBody": "y", "DelaySeconds": 901}]
    answer = aws.sqs.send_message_batch(QueueUrl=url, Entries=entries)
    equal([entry["Id"] for entry in answer.get("Successful", [])], ["good"], "what succeeded")
    equal([(entry["Id"], entry["SenderFault"]) for entry in answer.get("Failed", [])], [("bad", True)], "what failed")
    got = one(aws, url)
    handles = [{"Id": "1", "ReceiptHandle": got["ReceiptHandle"]}, {"Id": "2", "ReceiptHandle": "garbage"}]
    answer = aws.sqs.delete_message_batch(QueueUrl=url, Entries=handles)
    equal([entry["Id"] for entry in answer.get("Successful", [])], ["1"], "what was deleted")
    equal([entry["Code"] for entry in answer.get("Failed", [])], ["ReceiptHandleIsInvalid"], "what was not")


@behaviour("SQS API Reference, PurgeQueue")
def a_queue_is_purged_once_a_minute(aws: Aws) -> None:
    """PurgeQueue deletes all messages; a second one within 60 seconds is PurgeQueueInProgress."""
    url = aws.queue()
    aws.sqs.send_message(QueueUrl=url, MessageBody="x")
    aws.sqs.purge_queue(QueueUrl=url)
    equal(receive(aws, url), [], "what is left")
    codes = ("AWS.SimpleQueueService.PurgeQueueInProgress", "PurgeQueueInProgress")
    refuses(codes, aws.sqs.purge_queue, QueueUrl=url)


@behaviour("SQS API Reference, GetQueueAttributes")
def messages_are_counted(aws: Aws) -> None:
    """Visible messages and those in flight are counted apart."""
    url = aws.queue()
    for body in "ab":
        aws.sqs.send_message(QueueUrl=url, MessageBody=body)
    one(aws, url, MaxNumberOfMessages=1)
    counts = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    told = aws.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=counts)["Attributes"]
    equal(told, dict.fromkeys(counts, "1"), "a number of messages")


@behaviour("SQS Developer Guide, Basic examples of Amazon SQS policies")
def another_account_needs_the_queues_policy(aws: Aws) -> None:
    """Another account is AccessDenied until the queue's policy allows it."""
    url = aws.queue()
    send = {"QueueUrl": url, "MessageBody": "x"}
    theirs = aws.client("sqs", aws.theirs)
    refuses_with(403, ("AccessDenied", "AccessDeniedException"), theirs.send_message, **send)
    granted = policy(allow("sqs:SendMessage", arn(aws, url), aws.theirs))
    aws.sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": granted})
    theirs.send_message(**send)
    refuses_with(403, ("AccessDenied", "AccessDeniedException"), theirs.receive_message, QueueUrl=url)


@behaviour("SQS Developer Guide, Limitations of Amazon SQS custom policies")
def some_operations_are_never_another_accounts(aws: Aws) -> None:
    """A queue's policy cannot let another account set attributes or delete the queue."""
    url, theirs = aws.queue(), aws.client("sqs", aws.theirs)
    granted = policy(allow("sqs:SendMessage", arn(aws, url), aws.theirs))
    aws.sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": granted})
    codes = ("AccessDenied", "AccessDeniedException")
    refuses_with(403, codes, theirs.set_queue_attributes, QueueUrl=url, Attributes={"DelaySeconds": "1"})
    refuses_with(403, codes, theirs.delete_queue, QueueUrl=url)


@behaviour("SQS API Reference, SetQueueAttributes")
def a_queue_policy_is_a_policy(aws: Aws) -> None:
    """A Policy that is none is InvalidAttributeValue."""
    wrong = {"QueueUrl": aws.queue(), "Attributes": {"Policy": "not a policy"}}
    refuses_with(400, "InvalidAttributeValue", aws.sqs.set_queue_attributes, **wrong)


@behaviour("SQS API Reference, ListQueues")
def queues_are_listed_in_pages(aws: Aws) -> None:
    """ListQueues gives the URLs of the queues with a prefix; with MaxResults in pages."""
    prefix = aws.name("p")
    urls = [aws.sqs.create_queue(QueueName=f"{prefix}-{number}")["QueueUrl"] for number in range(3)]
    first = aws.sqs.list_queues(QueueNamePrefix=prefix, MaxResults=2)
    equal(len(first["QueueUrls"]), 2, "the size of the first page")
    second = aws.sqs.list_queues(QueueNamePrefix=prefix, MaxResults=2, NextToken=first["NextToken"])
    equal(sorted(first["QueueUrls"] + second["QueueUrls"]), urls, "the list")
    check("NextToken" not in second, "the last page has a token")
    check(not aws.sqs.list_queues(QueueNamePrefix=aws.name("none")).get("QueueUrls"), "other queues are listed")


@behaviour("SQS Developer Guide, Amazon SQS queue and message identifiers")
def queues_are_of_an_account_and_a_region(aws: Aws) -> None:
    """A queue's name is unique in its account and region; its URL has account and name."""
    name = aws.name("q")
    clients = (aws.sqs, aws.client("sqs", aws.theirs), aws.client("sqs", region="eu-west-1"))
    urls = [client.create_queue(QueueName=name)["QueueUrl"] for client in clients]
    check(urls[0].endswith(f"/{aws.mine}/{name}"), "the URL has another form")
    for client, url in zip(clients, urls):
        client.send_message(QueueUrl=url, MessageBody=str(clients.index(client)))
    equal(one(aws, urls[0])["Body"], "0", "the message")
    equal(receive(aws, urls[0]), [], "what is left")
