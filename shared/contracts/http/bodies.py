"""Strict parsing of request bodies. Errors name each invalid field and its fix, and never quote a value.

For every optional field, `null` means "omitted": Logic Apps send it for an expression without a value.
"""

from typing import Any

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler, ValidationError, model_validator
from pydantic.alias_generators import to_camel
from pydantic_core import CoreSchema, PydanticCustomError

from shared.contracts.http.limits import REQUEST_BYTES
from shared.errors import BodyTooLarge, FieldError, InvalidRequest


class Body(BaseModel):
    """A JSON object that accepts only known fields."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, validate_by_name=False, hide_input_in_errors=True
    )

    @model_validator(mode="before")
    @classmethod
    def _null_is_left_out(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        optional = {to_camel(name) for name, item in cls.model_fields.items() if not item.is_required()}
        return {name: item for name, item in value.items() if item is not None or name not in optional}

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        described = handler(schema)
        resolved = handler.resolve_ref_schema(described)
        for name, item in resolved.get("properties", {}).items():
            if name not in resolved.get("required", ()):
                resolved["properties"][name] = _or_null(item)
        return described


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    null = {"type": "null"}
    if null in schema.get("anyOf", ()):
        return schema
    outside: dict[str, Any] = {name: schema[name] for name in ("default", "description") if name in schema}
    inside = {name: item for name, item in schema.items() if name not in outside}
    return {"anyOf": [inside, null], **outside}


def wrong(field: str, sentence: str) -> PydanticCustomError:
    """An error of a validator for several fields: the field to fix, and how."""
    return PydanticCustomError("combination", "{sentence}", {"field": field, "sentence": sentence})


def parse[T: Body](model: type[T], body: bytes) -> T:
    """Parses a request. Raises InvalidRequest, which names each invalid field and its fix but no value.

    Raises BodyTooLarge for a body above REQUEST_BYTES, before parsing it.
    """
    if len(body) > REQUEST_BYTES:
        raise BodyTooLarge(REQUEST_BYTES)
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False)
        fields = tuple(_field_error(model, item) for item in found)
        raise InvalidRequest("; ".join(f"{item.field}: {item.detail}" for item in fields), fields) from None


def _field_error(model: type[Body], item: Any) -> FieldError:
    path = ".".join(map(str, item["loc"]))
    match item["type"]:
        case "combination":
            return FieldError(field=item["ctx"]["field"], detail=item["ctx"]["sentence"])
        case "extra_forbidden" if len(item["loc"]) == 1:
            known = ", ".join(to_camel(name) for name in model.model_fields)
            return FieldError(field=path, detail=f"isn't a known field: remove it, or use one of {known}")
        case "extra_forbidden":
            return FieldError(field=path, detail="isn't a known field: remove it")
        case "json_invalid" | "model_type" if not path:
            return FieldError(field="body", detail="must be a JSON object in UTF-8")
        case _:
            return FieldError(field=path or "body", detail=str(item["msg"]).removeprefix("Value error, "))
