"""`pulumi up` runs this file: read the policy and this stack's settings, then deploy them."""

import pulumi

from infra.program import deploy
from infra.stack import read_stack

for name, value in deploy(read_stack(pulumi.get_stack())).items():
    pulumi.export(name, value)
