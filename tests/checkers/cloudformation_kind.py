"""How one type of resource is said in CloudFormation."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Properties = dict[str, Any]


@dataclass(frozen=True)
class Kind:
    """How one type is said in CloudFormation."""

    type: str
    names: Mapping[str, str] = field(default_factory=dict)
    """Inputs whose property is called otherwise."""
    below: Mapping[str, str] = field(default_factory=dict)
    """The same for what is inside blocks."""
    documents: tuple[str, ...] = ()
    """Inputs that hold a JSON document as text."""
    without: tuple[str, ...] = ()
    """Inputs that only Pulumi or the provider acts on."""
    shaped: Callable[[Properties], Properties] = dict
    """Moves properties to where CloudFormation wants them."""
