"""Objects in moto's buckets."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import urlencode

from sandbox.providers import shapes
from sandbox.providers.cloud import Cloud
from sandbox.providers.errors import ProviderError
from sandbox.providers.realise import tags
from sandbox.providers.table import Made, Realiser
from sandbox.providers.wire import Props

RENAMED = {"kmsKeyId": "SSEKMSKeyId", "websiteRedirect": "WebsiteRedirectLocation"}
"""SDK property to the member of PutObject's input, where the name differs by more than case."""
_NOT_SENT = frozenset({"content", "contentBase64", "source", "tags", "tagsAll"})
_ANSWERED = {
    "ChecksumSHA256": "checksumSha256",
    "ContentType": "contentType",
    "ETag": "etag",
    "ServerSideEncryption": "serverSideEncryption",
    "VersionId": "versionId",
}
"""What S3 answers with, and the output that shows it."""


def _put(cloud: Cloud, inputs: Props) -> Props:
    settings = {key: value for key, value in inputs.items() if key not in _NOT_SENT}
    if settings.get("kmsKeyId"):
        settings.setdefault("serverSideEncryption", "aws:kms")  # as the provider does
    parameters = shapes.to_api(shapes.operation_input("s3", "PutObject"), settings, RENAMED)
    if inputs["tagsAll"]:
        parameters["Tagging"] = urlencode(sorted(inputs["tagsAll"].items()))
    return _outputs(cloud.client("s3").put_object(Body=_body(inputs), **parameters))


def _body(inputs: Props) -> bytes:
    if inputs.get("source") is not None:
        raise ProviderError("the sandbox stores an object from content or contentBase64, not from a file")
    if inputs.get("contentBase64") is not None:
        return base64.b64decode(inputs["contentBase64"])
    return str(inputs.get("content", "")).encode()


def _outputs(answer: Any) -> Props:
    return {name: str(answer[member]).strip('"') for member, name in _ANSWERED.items() if answer.get(member)}


def _create(cloud: Cloud, inputs: Props) -> Made:
    return Made(f"{inputs['bucket']}/{inputs['key']}", _put(cloud, inputs))


def _read(cloud: Cloud, _: str, state: Props) -> Props | None:
    if "bucket" not in state:
        raise ProviderError("the sandbox imports log groups, keys and buckets, not objects")
    client, where = cloud.client("s3"), {"Bucket": state["bucket"], "Key": state["key"]}
    try:
        found = client.head_object(**where)
    except client.exceptions.ClientError as error:
        if error.response["Error"]["Code"] in {"404", "NoSuchBucket", "NoSuchKey"}:
            return None
        raise
    listed = client.get_object_tagging(**where)["TagSet"]
    return {**_outputs(found), **tags.own(tags.mapping(listed), state)}


def _update(cloud: Cloud, _: str, __: Props, new: Props) -> Props:
    return _put(cloud, new)


def _delete(cloud: Cloud, _: str, state: Props) -> None:
    """Delete every version, as the provider does in a bucket that keeps them."""
    client = cloud.client("s3")
    try:
        pages = client.get_paginator("list_object_versions").paginate(Bucket=state["bucket"], Prefix=state["key"])
        found = [item for page in pages for item in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]]
    except client.exceptions.NoSuchBucket:
        return
    for item in found:
        if item["Key"] == state["key"]:
            client.delete_object(Bucket=state["bucket"], Key=item["Key"], VersionId=item["VersionId"])


OBJECT = Realiser(create=_create, read=_read, update=_update, delete=_delete)
