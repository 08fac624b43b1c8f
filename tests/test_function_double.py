"""The sandbox's Lambda: what was deployed runs by itself when it is called, and its failure is the caller's to see."""

import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.doubles.aws_clients import aws_client
from sandbox.doubles.moto_server import MotoServer

CODE = """
import os, sys, importlib.util
import boto3
def handle(event, context):
    if event.get("fail"):
        raise ValueError("no such day")
    print("a line of its own")
    buckets = boto3.client("s3").list_buckets()["Buckets"]
    return {
        "asked": event["asked"],
        "buckets": [bucket["Name"] for bucket in buckets],
        "left": 1000 < context.get_remaining_time_in_millis() <= 60_000,
        "checkout": importlib.util.find_spec("infra") is not None,
    }
"""


@pytest.fixture(scope="module")
def called() -> Iterator[Any]:
    """Yield what calls the function with an event and returns its answer and whether it failed."""
    with MotoServer() as moto:
        functions, iam = _client("lambda", moto), _client("iam", moto)
        _client("s3", moto).create_bucket(Bucket="an-archive")
        role = iam.create_role(RoleName="function", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("some/module.py", CODE)
        functions.create_function(
            FunctionName="f", Role=role, Runtime="python3.13", Handler="some.module.handle", Timeout=60,
            Code={"ZipFile": packed.getvalue()},
        )  # fmt: skip

        def call(event: dict[str, Any]) -> tuple[Any, bool]:
            answer = functions.invoke(FunctionName="f", Payload=json.dumps(event).encode())
            return json.loads(answer["Payload"].read()), "FunctionError" in answer

        yield call


def _client(service: str, moto: MotoServer) -> Any:
    return aws_client(service, endpoint_url=moto.endpoint, region="us-east-1")


def test_what_was_deployed_runs_with_boto3_on_this_cloud_and_nothing_of_the_checkout(called: Any) -> None:
    assert called({"asked": "\u00fc"}) == (
        {"asked": "\u00fc", "buckets": ["an-archive"], "left": True, "checkout": False},
        False,
    )


def test_what_it_raises_is_told_to_its_caller(called: Any) -> None:
    assert called({"fail": True}) == ({"errorMessage": "no such day", "errorType": "ValueError"}, True)
