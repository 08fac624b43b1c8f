"""`pulumi up` runs this file: read the policy and this stack's settings, then deploy them."""

import gc
from pathlib import Path

# What a run of seconds makes lives until its end: looking for garbage among it again and again took a third of the run.
gc.disable()

import pulumi  # noqa: E402

from infra.program import deploy  # noqa: E402
from infra.stack import read_stack  # noqa: E402

for name, value in deploy(read_stack(pulumi.get_stack(), Path(__file__).resolve().parent)).items():
    pulumi.export(name, value)

# What comes now waits for the engine, as long as that takes.
gc.freeze()
gc.enable()
