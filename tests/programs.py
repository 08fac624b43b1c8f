"""The whole program of a stack under mocks, built once for each stack and mode, for the tests that look at all of it."""

import functools
from enum import StrEnum
from unittest.mock import patch

import infra.program
from infra.components.collector_config import source_of
from infra.documents.datadog.readers import PERMISSIONS
from infra.stack import read_stack
from tests.engine import Deployment, deploy
from tests.factories import ROOT, context, program_config


class Form(StrEnum):
    """How a stack's configuration travels."""

    INLINE = "inline"
    OBJECT = "object"


LOOKUPS = {
    # Ids of permissions are Datadog's own: nothing else can say them.
    "datadog:index/getPermissions:getPermissions": {
        "id": "permissions",
        "permissions": {name: f"{name}-id" for name in PERMISSIONS},
    }
}
"""The only lookups that the program may make, with made-up answers."""
SMALL = """\
extensions: { health_check: { endpoint: "${env:SANDBOX_HEALTH:-127.0.0.1:13133}" } }
receivers: { otlp/applications: { protocols: { http: { endpoint: "${env:SANDBOX_OTLP_HTTP:-127.0.0.1:4318}" } } } }
exporters: { debug: {} }
service:
  extensions: [health_check]
  pipelines: { logs: { receivers: [otlp/applications], exporters: [debug] } }
  telemetry: { metrics: { level: none } }
"""
"""A whole configuration that the collector takes, small enough to travel inline whatever the rules become."""
PADDING = "# padding\n" * 5000
"""What makes any configuration too large to travel inline."""


def configuration(stack: str, form: Form | None = None) -> str:
    """Return the stack's rendered configuration; where `form` is not its own, SMALL or the same with PADDING."""
    text = (ROOT / "collector_configs" / "rendered" / f"{stack}.yaml").read_text(encoding="utf-8")
    own = Form.OBJECT if source_of(context(stack), text).object_key else Form.INLINE
    if form in (None, own):
        return text
    return SMALL if form is Form.INLINE else text + PADDING


def program(stack: str, *, preview: bool = False, form: Form | None = None) -> Deployment:
    """Return everything that `pulumi up` (or a preview) registers for `stack`, from its own settings file.

    With a `form` that its configuration does not have, the program is given another one (see `configuration`).
    """
    text = configuration(stack, form)
    return _program(stack, preview, None if text == configuration(stack) else text)


@functools.cache
def _program(stack: str, preview: bool, text: str | None) -> Deployment:
    values, secret_keys = program_config(stack)
    render = infra.program.rendered_config if text is None else lambda _: text
    with patch.object(infra.program, "rendered_config", render):
        return deploy(
            lambda: infra.program.deploy(read_stack(stack)),
            stack=stack,
            preview=preview,
            config=values,
            secret_keys=secret_keys,
            lookups=LOOKUPS,
        )
