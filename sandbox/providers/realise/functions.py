"""Lambda functions in moto, with the very archive that AWS would be given; sandbox/doubles/moto_process.py runs them."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

from sandbox.providers.cloud import Cloud
from sandbox.providers.table import Made, Realiser
from sandbox.providers.wire import Envelope, Props

EPOCH = (1980, 1, 1, 0, 0, 0)
"""The first time that a ZIP archive can name: the same content gives the same bytes."""


def archive(code: Envelope) -> bytes:
    """Return an AssetArchive of files and texts as the ZIP archive that Lambda takes."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as target:
        for name, asset in sorted(code.fields["assets"].items()):
            content = Path(asset["path"]).read_bytes() if "path" in asset else asset["text"].encode()
            target.writestr(zipfile.ZipInfo(name, EPOCH), content)
    return packed.getvalue()


def _create(cloud: Cloud, inputs: Props) -> Made:
    cloud.client("lambda").create_function(
        FunctionName=inputs["name"],
        Role=inputs["role"],
        Code={"ZipFile": archive(inputs["code"])},
        **_configuration(inputs),
    )
    return Made(inputs["name"])


def _configuration(inputs: Props) -> dict[str, Any]:
    return {
        "Description": inputs.get("description", ""),
        "Handler": inputs["handler"],
        "Runtime": inputs["runtime"],
        "Timeout": inputs["timeout"],
        "MemorySize": inputs["memorySize"],
    }


def _read(cloud: Cloud, identifier: str, _: Props) -> Props | None:
    client = cloud.client("lambda")
    try:
        found = client.get_function_configuration(FunctionName=identifier)
    except client.exceptions.ResourceNotFoundException:
        return None
    return {
        "name": identifier,
        "description": found.get("Description") or None,
        "handler": found["Handler"],
        "runtime": found["Runtime"],
        "timeout": found["Timeout"],
        "memorySize": found["MemorySize"],
    }


def _update(cloud: Cloud, identifier: str, old: Props, new: Props) -> Props:
    client = cloud.client("lambda")
    if new["code"] != old.get("code"):
        client.update_function_code(FunctionName=identifier, ZipFile=archive(new["code"]))
    client.update_function_configuration(FunctionName=identifier, Role=new["role"], **_configuration(new))
    return {}


def _delete(cloud: Cloud, identifier: str, _: Props) -> None:
    client = cloud.client("lambda")
    try:
        client.delete_function(FunctionName=identifier)
    except client.exceptions.ResourceNotFoundException:
        return


FUNCTION = Realiser(create=_create, read=_read, update=_update, delete=_delete)
