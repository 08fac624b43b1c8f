"""What is taken from web pages: everything that is not listed is removed, and counted."""

from typing import Annotated

from pydantic import Field

from infra.model import Model, Sentence

AttributeName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_.]{1,60}$")]


class Browsers(Model):
    """Which attributes of a page's records and of its resource are kept, and whose records they are."""

    belong_to: Annotated[str, Field(pattern=r"^[a-z]{3,12}$")]
    """The class of every record from a page, whatever the page claims."""
    attributes: tuple[AttributeName, ...] = Field(min_length=1)
    resource_attributes: tuple[AttributeName, ...] = Field(min_length=1)
    reason: Sentence
