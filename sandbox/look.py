"""Commands to look around with in a sandbox that is kept running, ready to paste."""

import datetime
import shlex
from collections.abc import Iterable

from sandbox.demo.run import Live


def hints(live: Live) -> str:
    """Return shell commands that work against this sandbox while it runs."""
    environment = aws_variables(live)
    group = live.context.log_group("audit")
    bucket = live.context.archive_bucket("audit")
    python = ".venv/bin/python"
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    client = f"import boto3; c = boto3.client({{service!r}}, region_name={live.cloud.region!r})"
    return "\n".join(
        _sections(
            {
                "the embedded cloud's address and keys (valid nowhere else)": [
                    "export " + " ".join(f"{name}={shlex.quote(value)}" for name, value in environment.items())
                ],
                "the newest audit records, as CloudWatch Logs holds them": [
                    f'{python} -c "{client.format(service="logs")}; '
                    f"[print(e['message']) for e in c.filter_log_events(logGroupName='{group}')['events'][-3:]]\""
                ],
                "the archive's objects": [
                    f'{python} -c "{client.format(service="s3")}; '
                    f"[print(o['Key'], o['Size']) for o in c.list_objects_v2(Bucket='{bucket}').get('Contents', [])]\""
                ],
                "send a record of your own": [
                    f"curl -sS {live.collector.otlp_http}/v1/logs -H 'Content-Type: application/json' -d "
                    '\'{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"mail from me@example.com"}}]}]}]}\''
                ],
                "the collector's own metrics": [f"curl -sS {live.collector.metrics}"],
                "the archive, in another terminal": [
                    f"make archive-export FROM={today} TO={today}   # CloudWatch's copy beside the collector's",
                    f"make archive-verify FROM={today} TO={today}   # is anything missing or altered?",
                ],
                "stop": ["Ctrl-C"],
            }.items()
        )
    )


def aws_variables(live: Live) -> dict[str, str]:
    """Return the variables that lead AWS's SDKs to this sandbox."""
    credentials = live.cloud.credentials
    return {
        "AWS_ENDPOINT_URL": live.cloud.aws_endpoint,
        "AWS_ACCESS_KEY_ID": credentials.access_key_id,
        "AWS_SECRET_ACCESS_KEY": credentials.secret_access_key,
        "AWS_REGION": live.cloud.region,
    }


def variables(live: Live) -> dict[str, str]:
    """Return the variables under which a command in another terminal reaches this sandbox, and nothing else of AWS."""
    return {
        **{name: value for name, value in live.addresses.items() if name.startswith("SANDBOX_")},
        **live.cloud.credentials.child_environment(live.cloud.region, inherited={}),
        **aws_variables(live),
        "OTEL_EXPORTER_OTLP_ENDPOINT": live.collector.otlp_http,
    }


def _sections(parts: Iterable[tuple[str, list[str]]]) -> Iterable[str]:
    for title, commands in parts:
        yield f"\n# {title}"
        yield from commands
