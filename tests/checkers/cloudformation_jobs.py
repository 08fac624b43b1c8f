"""How CloudFormation says functions, schedules and queues."""

from tests.checkers.cloudformation_kind import Kind, Properties


def _function(properties: Properties) -> Properties:
    # Which files are in the archive is no property that a schema could judge.
    return {**properties, "Code": {"ZipFile": "an archive of files"}}


JOB_KINDS = {
    "aws:lambda/function:Function": Kind("AWS::Lambda::Function", {"name": "FunctionName"}, shaped=_function),
    "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig": Kind(
        "AWS::Lambda::EventInvokeConfig", shaped=lambda properties: {"Qualifier": "$LATEST", **properties}
    ),
    "aws:scheduler/schedule:Schedule": Kind("AWS::Scheduler::Schedule"),
    "aws:scheduler/scheduleGroup:ScheduleGroup": Kind("AWS::Scheduler::ScheduleGroup"),
    "aws:sqs/queue:Queue": Kind(
        "AWS::SQS::Queue", {"name": "QueueName", "messageRetentionSeconds": "MessageRetentionPeriod"}
    ),
}
