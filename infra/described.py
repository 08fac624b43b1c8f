"""JSON Schemas of models, with the text that stands below each field in the source for its description.

Read from the source only when a schema is written. Pydantic can do it whenever a class is made (`use_attribute_docstrings`),
which would cost each run of the program a second: it asks every loaded module, the cloud SDK's lazy ones too, for its file.
"""

import ast
import inspect
import textwrap
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema


def described_schema(model: type[BaseModel]) -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of `model`, each field with its description."""
    return model.model_json_schema(schema_generator=_Described)


def descriptions(model: type[BaseModel]) -> dict[str, str]:
    """Return field -> the text that stands below it in the class body of `model` or of what it derives from."""
    found: dict[str, str] = {}
    for owner in reversed(model.__mro__):
        if issubclass(owner, BaseModel) and owner is not BaseModel:
            found |= _below_fields(owner.__pydantic_generic_metadata__["origin"] or owner)
    return found


class _Described(GenerateJsonSchema):
    def model_schema(self, schema: core_schema.ModelSchema) -> dict[str, Any]:
        """Return the schema of a model with its fields' descriptions, but for those that say it in their type."""
        made = super().model_schema(schema)
        for name, text in descriptions(schema["cls"]).items():
            if name in made.get("properties", {}):
                made["properties"][name].setdefault("description", text)
        return made


def _below_fields(owner: type[BaseModel]) -> dict[str, str]:
    (body,) = ast.parse(textwrap.dedent(inspect.getsource(owner))).body
    if not isinstance(body, ast.ClassDef):
        return {}
    return {
        field.target.id: inspect.cleandoc(text.value.value)
        for field, text in zip(body.body, body.body[1:], strict=False)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and isinstance(text.value.value, str)
    }
