"""Strict parsing of request bodies. Errors name each invalid field and its fix, and never quote a value.

For every optional field, `null` means "omitted": Logic Apps send it for an expression without a value.
"""

from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler, ValidationError, model_validator
from pydantic.alias_generators import to_camel
from pydantic_core import CoreSchema, PydanticCustomError

from shared.contracts.http.limits import REQUEST_BYTES
from shared.contracts.http.mistakes import malformed, shortened, unknown
from shared.errors import BodyTooLarge, FieldError, InvalidRequest

_OF_A_NAME = "[key]"  # pydantic's last part of the path to an invalid name of a dictionary


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
        for variant in (resolved, *resolved.get("oneOf", ())):
            for name, item in variant.get("properties", {}).items():
                if name not in variant.get("required", ()):
                    variant["properties"][name] = _or_null(item)
        return described


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Without the default: from a field with a default, some generators of clients make one that must be given."""
    null = {"type": "null"}
    if null in schema.get("anyOf", ()):
        return {name: item for name, item in schema.items() if name != "default"}
    outside: dict[str, Any] = {"description": schema["description"]} if "description" in schema else {}
    inside = {name: item for name, item in schema.items() if name not in ("default", "description")}
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
        raise InvalidRequest.of_fields(*(_field_error(model, body, item) for item in found)) from None


def _field_error(model: type[Body], body: bytes, item: Any) -> FieldError:
    path = ".".join(shortened(str(part)) for part in item["loc"] if part != _OF_A_NAME)
    match item["type"]:
        case "combination":
            return FieldError(field=item["ctx"]["field"], detail=item["ctx"]["sentence"])
        case "extra_forbidden":
            *parents, name = item["loc"]
            return FieldError(field=path, detail=unknown("field", str(name), _fields_of(model, parents)))
        case "json_invalid":
            return FieldError(field="body", detail=malformed(body))
        case "model_type" if not path:
            return FieldError(field="body", detail="must be a JSON object")
        case _:
            return FieldError(field=path or "body", detail=str(item["msg"]).removeprefix("Value error, "))


def _fields_of(model: type[BaseModel], path: list[str | int]) -> list[str]:
    """The names of the fields of the object at `path`, which begins at `model`."""
    for part in path:
        if isinstance(part, str):
            annotations = {to_camel(name): field.annotation for name, field in model.model_fields.items()}
            model = _model_in(annotations[part]) or model
    return [to_camel(name) for name in model.model_fields]


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model in an annotation such as `list[Model]` or `Model | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for one in get_args(annotation) if (found := _model_in(one)) is not None), None)
