"""`pulumi up` runs this file: read the policy and this stack's settings, then deploy them."""

from pathlib import Path

import pulumi

from infra.program import deploy
from infra.stack import read_stack

for name, value in deploy(read_stack(pulumi.get_stack(), Path(__file__).resolve().parent)).items():
    pulumi.export(name, value)
