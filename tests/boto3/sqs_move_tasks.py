"""SQS: moving messages out of dead-letter queues."""

import json
import time
from typing import Any

from aws import Aws, allow
from behaviour import behaviour, check, equal, eventually, refuses, refuses_with
from sqs import arn, one, receive, with_dead_letters

START = "SQS API Reference, StartMessageMoveTask"
CANCEL = "SQS API Reference, CancelMessageMoveTask"
LIST = "SQS API Reference, ListMessageMoveTasks"
GUIDE = "SQS Developer Guide, Learn how to configure a dead-letter queue redrive in Amazon SQS"
TROUBLE = "SQS Developer Guide, Troubleshoot Amazon SQS dead-letter queue and DLQ redrive issues"


def dead_letters(aws: Aws, count: int) -> tuple[str, str]:
    """A queue and its dead-letter queue, which has this many messages from the queue."""
    url, dead = with_dead_letters(aws, 1)
    for number in range(count):
        aws.sqs.send_message(QueueUrl=url, MessageBody=str(number))

    def look() -> bool:
        receive(aws, url, MaxNumberOfMessages=10, VisibilityTimeout=0)
        return waiting(aws, dead) == count

    eventually(look, "the arrival in the dead-letter queue")
    return url, dead


def waiting(aws: Aws, url: str) -> int:
    name = "ApproximateNumberOfMessages"
    return int(aws.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])["Attributes"][name])


def latest(aws: Aws, dead: str) -> dict[str, Any]:
    return aws.sqs.list_message_move_tasks(SourceArn=arn(aws, dead))["Results"][0]


def await_status(aws: Aws, dead: str, status: str) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        task = latest(aws, dead)
        if task["Status"] == status:
            return task
        time.sleep(0.1)
        return None

    return eventually(look, f"the status {status}")


@behaviour(START)
def messages_go_back_to_their_source(aws: Aws) -> None:
    """Without a destination messages go back to the queues that they came from."""
    url, dead = dead_letters(aws, 2)
    aws.sqs.start_message_move_task(SourceArn=arn(aws, dead))
    task = await_status(aws, dead, "COMPLETED")
    counts = (task["ApproximateNumberOfMessagesMoved"], task["ApproximateNumberOfMessagesToMove"])
    equal(counts, (2, 2), "the counts")
    equal(sorted(one(aws, url)["Body"] for _ in range(2)), ["0", "1"], "what is in the queue")
    equal(waiting(aws, dead), 0, "the number of dead letters")


@behaviour(START)
def messages_can_go_elsewhere(aws: Aws) -> None:
    """With a destination all messages go there, those that were sent to the dead-letter queue too."""
    _, dead = dead_letters(aws, 1)
    aws.sqs.send_message(QueueUrl=dead, MessageBody="sent")
    other = aws.queue()
    aws.sqs.start_message_move_task(SourceArn=arn(aws, dead), DestinationArn=arn(aws, other))
    task = await_status(aws, dead, "COMPLETED")
    equal(task["DestinationArn"], arn(aws, other), "the destination")
    equal(sorted(one(aws, other)["Body"] for _ in range(2)), ["0", "sent"], "what is in the queue")


@behaviour(GUIDE)
def a_moved_message_is_a_new_one(aws: Aws) -> None:
    """A moved message has a new id and time, and its receive count begins again."""
    url, dead = dead_letters(aws, 1)
    before = one(aws, dead, VisibilityTimeout=0)
    aws.sqs.start_message_move_task(SourceArn=arn(aws, dead))
    after = one(aws, url)
    check(after["MessageId"] != before["MessageId"], "the id is the same")
    times = [int(message["Attributes"]["SentTimestamp"]) for message in (before, after)]
    check(times[0] < times[1], "the time is the same")
    equal(after["Attributes"]["ApproximateReceiveCount"], "1", "the receive count")
    check("DeadLetterQueueSourceArn" not in after["Attributes"], "it is still a dead letter")


@behaviour(TROUBLE)
def what_was_sent_has_no_source(aws: Aws) -> None:
    """Without a destination a task fails on a message that was sent to the dead-letter queue."""
    _, dead = with_dead_letters(aws, 1)
    aws.sqs.send_message(QueueUrl=dead, MessageBody="sent")
    aws.sqs.start_message_move_task(SourceArn=arn(aws, dead))
    task = await_status(aws, dead, "FAILED")
    equal(task.get("FailureReason"), "CouldNotDetermineMessageSource", "the reason")
    equal(waiting(aws, dead), 1, "the number of dead letters")


@behaviour(TROUBLE)
def a_task_fails_without_its_destination(aws: Aws) -> None:
    """A task whose destination is deleted meanwhile fails with AWS.SimpleQueueService.NonExistentQueue."""
    _, dead = dead_letters(aws, 3)
    other = aws.queue()
    asked = {"SourceArn": arn(aws, dead), "DestinationArn": arn(aws, other), "MaxNumberOfMessagesPerSecond": 1}
    aws.sqs.start_message_move_task(**asked)
    aws.sqs.delete_queue(QueueUrl=other)
    task = await_status(aws, dead, "FAILED")
    equal(task.get("FailureReason"), "AWS.SimpleQueueService.NonExistentQueue", "the reason")


@behaviour(START)
def the_source_is_a_dead_letter_queue(aws: Aws) -> None:
    """A source that is no queue's dead-letter queue is refused."""
    asked = {"SourceArn": arn(aws, aws.queue()), "DestinationArn": arn(aws, aws.queue())}
    refuses_with(400, "InvalidParameterValue", aws.sqs.start_message_move_task, **asked)


@behaviour(START)
def both_queues_must_exist(aws: Aws) -> None:
    """A source or a destination that is not there is ResourceNotFoundException, HTTP 404."""
    _, dead = with_dead_letters(aws, 1)
    none = arn(aws, dead) + "-none"
    refuses_with(404, "ResourceNotFoundException", aws.sqs.start_message_move_task, SourceArn=none)
    asked = {"SourceArn": arn(aws, dead), "DestinationArn": none}
    refuses_with(404, "ResourceNotFoundException", aws.sqs.start_message_move_task, **asked)
    refuses_with(404, "ResourceNotFoundException", aws.sqs.list_message_move_tasks, SourceArn=none)


@behaviour(START)
def a_rate_is_1_to_500(aws: Aws) -> None:
    """MaxNumberOfMessagesPerSecond is 500 at most."""
    _, dead = with_dead_letters(aws, 1)
    for rate in (0, 501):
        asked = {"SourceArn": arn(aws, dead), "MaxNumberOfMessagesPerSecond": rate}
        refuses_with(400, "InvalidParameterValue", aws.sqs.start_message_move_task, **asked)


@behaviour(START)
def a_queue_has_one_active_task(aws: Aws) -> None:
    """A second task for a queue is refused while one is active."""
    _, dead = dead_letters(aws, 3)
    asked = {"SourceArn": arn(aws, dead), "MaxNumberOfMessagesPerSecond": 1}
    aws.sqs.start_message_move_task(**asked)
    refuses_with(400, "InvalidParameterValue", aws.sqs.start_message_move_task, **asked)


@behaviour(CANCEL)
def a_running_task_can_be_cancelled(aws: Aws) -> None:
    """A cancelled task moves no more messages; those that were moved stay where they are."""
    _, dead = dead_letters(aws, 5)
    other = aws.queue()
    asked = {"SourceArn": arn(aws, dead), "DestinationArn": arn(aws, other), "MaxNumberOfMessagesPerSecond": 1}
    handle = aws.sqs.start_message_move_task(**asked)["TaskHandle"]
    eventually(lambda: receive(aws, other, wait=1), "the first message's arrival")
    aws.sqs.cancel_message_move_task(TaskHandle=handle)
    task = await_status(aws, dead, "CANCELLED")
    moved = task["ApproximateNumberOfMessagesMoved"]
    check(1 <= moved < 5, "the count of moved messages is not that of a part")
    time.sleep(2)
    equal(waiting(aws, dead), 5 - moved, "the number of dead letters")


@behaviour(CANCEL)
def only_running_tasks_can_be_cancelled(aws: Aws) -> None:
    """A task that is over is refused, and a handle that is none."""
    _, dead = dead_letters(aws, 1)
    handle = aws.sqs.start_message_move_task(SourceArn=arn(aws, dead))["TaskHandle"]
    await_status(aws, dead, "COMPLETED")
    refuses(400, aws.sqs.cancel_message_move_task, TaskHandle=handle)
    refuses_with(400, "InvalidParameterValue", aws.sqs.cancel_message_move_task, TaskHandle="garbage")


@behaviour(LIST)
def tasks_are_told_the_latest_first(aws: Aws) -> None:
    """ListMessageMoveTasks tells the latest task, or up to MaxResults; the handle only while a task is running."""
    _, dead = dead_letters(aws, 1)
    asked = {"SourceArn": arn(aws, dead), "MaxNumberOfMessagesPerSecond": 1}
    handle = aws.sqs.start_message_move_task(**asked)["TaskHandle"]
    running = latest(aws, dead)
    equal((running["Status"], running.get("TaskHandle")), ("RUNNING", handle), "the running task")
    done = await_status(aws, dead, "COMPLETED")
    check("TaskHandle" not in done, "a completed task tells its handle")
    aws.sqs.start_message_move_task(**asked | {"MaxNumberOfMessagesPerSecond": 2})
    results = aws.sqs.list_message_move_tasks(SourceArn=arn(aws, dead), MaxResults=10)["Results"]
    equal([task.get("MaxNumberOfMessagesPerSecond") for task in results], [2, 1], "the list")
    equal(len(aws.sqs.list_message_move_tasks(SourceArn=arn(aws, dead))["Results"]), 1, "the default number")
    refuses_with(400, "InvalidParameterValue", aws.sqs.list_message_move_tasks, SourceArn=arn(aws, dead), MaxResults=11)


@behaviour(GUIDE)
def moving_takes_permissions_on_both_queues(aws: Aws) -> None:
    """Who starts a task may receive from and delete in the source and send to the destination."""
    url, dead = with_dead_letters(aws, 1)
    _, key = aws.user_with(allow("sqs:*", arn(aws, dead)))
    asked = {"SourceArn": arn(aws, dead), "DestinationArn": arn(aws, url)}
    refuses(("AccessDenied", "AccessDeniedException"), aws.as_key("sqs", key).start_message_move_task, **asked)
    _, key = aws.user_with(allow("sqs:*", arn(aws, dead)), allow("sqs:SendMessage", arn(aws, url)))
    aws.as_key("sqs", key).start_message_move_task(**asked)


@behaviour("SQS API Reference, ListDeadLetterSourceQueues")
def a_dead_letter_queue_tells_its_sources(aws: Aws) -> None:
    """ListDeadLetterSourceQueues tells the queues whose RedrivePolicy names a queue."""
    url, dead = with_dead_letters(aws, 1)
    redrive = json.dumps({"deadLetterTargetArn": arn(aws, dead), "maxReceiveCount": 1})
    second = aws.queue(RedrivePolicy=redrive)
    listed = aws.sqs.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"]
    equal(sorted(name.rsplit("/", 1)[1] for name in listed), sorted(u.rsplit("/", 1)[1] for u in (url, second)), "it")
    equal(aws.sqs.list_dead_letter_source_queues(QueueUrl=url).get("queueUrls", []), [], "a source's list")
