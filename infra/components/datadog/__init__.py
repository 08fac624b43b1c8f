"""What a stack with Datadog among its destinations sets up there. Imported by those stacks only: see infra/program.py.

`pulumi_datadog` takes seconds to import, so nothing outside this package and its tests may import from here at the top.
"""

from infra.components.datadog.declare import buckets, check, declare

__all__ = ["buckets", "check", "declare"]
