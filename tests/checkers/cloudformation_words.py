"""How CloudFormation writes what the SDK writes: capitals, tags, and properties that stand elsewhere."""

from collections.abc import Collection, Mapping
from typing import Any


def capitalised(value: Any, names: Mapping[str, str] | None = None, verbatim: Collection[str] = ()) -> Any:
    """Return `value` with each key capitalised, or as `names` says; what is below a key in `verbatim` stays."""
    if isinstance(value, Mapping):
        return {
            (names or {}).get(key, key[0].upper() + key[1:]): each
            if key in verbatim
            else capitalised(each, names, verbatim)
            for key, each in value.items()
        }
    if isinstance(value, list):
        return [capitalised(each, names, verbatim) for each in value]
    return value


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Return tags as CloudFormation lists them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def moved(properties: Mapping[str, Any], into: str, names: Mapping[str, str]) -> dict[str, Any]:
    """Return `properties` with those in `names` below the property `into`, under their new names."""
    below = {new: properties[old] for old, new in names.items() if old in properties}
    return {**{key: value for key, value in properties.items() if key not in names}, into: below}
