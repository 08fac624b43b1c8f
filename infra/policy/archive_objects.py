"""How large the collector's archived objects are: the `archive_objects` part of policy/data_classes.yaml."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from infra.model import Model, PerEnvironment, Sentence
from infra.problems import Refused

LARGEST_REQUEST_BYTES = 16 * 1024**2
"""What the collector takes at once (collector_configs/base.yaml), from itself too: a batch is handed to itself."""


class ArchiveObjects(Model):
    """When the collector closes a batch of records, which becomes one object."""

    wait_seconds: PerEnvironment[Annotated[int, Field(ge=1, le=3500)]]
    """Seconds after which a batch is closed, however small it is. What waits is on disk. A task that is replaced is left
    alone for as long before it is stopped, so that it takes nothing along."""
    close_at_bytes: Annotated[int, Field(ge=1024)]
    """Bytes, before compression, at which a batch is closed before its time."""
    largest_bytes: Annotated[int, Field(le=LARGEST_REQUEST_BYTES)]
    """Bytes, before compression, above which a batch is split."""
    reason: Sentence

    @model_validator(mode="after")
    def _closed_before_it_is_split(self) -> Self:
        if self.largest_bytes < self.close_at_bytes:
            raise Refused(
                "a batch would be split before it is closed", f"at least {self.close_at_bytes}", "largest_bytes"
            )
        return self
