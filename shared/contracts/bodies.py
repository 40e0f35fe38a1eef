"""Bodies of requests, read strictly: what is wrong is told by field, with its mend, and no value is ever quoted."""

from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from shared.errors import FieldError, InvalidRequest

_LARGEST = 64 * 1024  # bytes of a request; a full one has a few thousand


class Body(BaseModel):
    """A JSON object that has known fields and no others."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, validate_by_name=False, hide_input_in_errors=True
    )


def wrong(field: str, sentence: str) -> PydanticCustomError:
    """For a validator of several fields: which of them is to be mended, and how."""
    return PydanticCustomError("combination", "{sentence}", {"field": field, "sentence": sentence})


def parse[T: Body](model: type[T], body: bytes) -> T:
    """Reads a request. Raises InvalidRequest naming each wrong field and its mend, never quoting a value."""
    if len(body) > _LARGEST:
        raise InvalidRequest.of("body", f"must have at most {_LARGEST} bytes")
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
            return FieldError(field=path, detail=f"is not a field here: remove it; known are {known}")
        case "extra_forbidden":
            return FieldError(field=path, detail="is not a field here: remove it")
        case "json_invalid" | "model_type" if not path:
            return FieldError(field="body", detail="must be a JSON object, encoded as UTF-8")
        case _:
            return FieldError(field=path or "body", detail=str(item["msg"]).removeprefix("Value error, "))
