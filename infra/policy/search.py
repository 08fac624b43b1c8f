"""What searching the archives may cost, and how long answers are kept: the `search` part of policy/data_classes.yaml."""

from typing import Annotated

from pydantic import Field

from infra.model import Days, Model, PerEnvironment, Sentence


class Search(Model):
    """How archives are searched, by Athena and on an engineer's machine."""

    late_hours: Annotated[int, Field(ge=1, le=24 * 14)]
    """Hours after its own time until which a record may have reached the archive, so that it is still looked for."""
    scan_limit_gib: PerEnvironment[Annotated[float, Field(ge=0.01, le=100_000)]]
    """GiB of the archive, packed, that one question may read (Athena accepts 10 MB and more)."""
    results_keep_days: PerEnvironment[Days]
    """Days until an answer that Athena stored is removed."""
    reason: Sentence
