"""Parses URL parameters into a model. Errors name the invalid parameter and its fix."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from shared.errors import FieldError, InvalidRequest

_OF_THE_PLATFORM = frozenset({"code", "clientId"})  # a function key in the URL, and the key's name


def read_parameters[T: BaseModel](model: type[T], parameters: Mapping[str, str], **more: str) -> T:
    """Raises InvalidRequest, which names each invalid parameter but no value. `more`: parameters outside the URL."""
    given = {name: value for name, value in parameters.items() if name not in _OF_THE_PLATFORM}
    try:
        return model.model_validate(given | more)
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False)
        fields = tuple(_field_error(model, item) for item in found)
        raise InvalidRequest("; ".join(f"{item.field}: {item.detail}" for item in fields), fields) from None


def _field_error(model: type[BaseModel], item: Any) -> FieldError:
    message = str(item["msg"]).removeprefix("Value error, ")
    if not item["loc"]:  # a rule for several parameters; its message names one
        field, _, detail = message.partition(": ")
        return FieldError(field=field, detail=detail)
    if item["type"] == "extra_forbidden":
        known = ", ".join(field.alias or name for name, field in model.model_fields.items())
        return FieldError(
            field=str(item["loc"][0])[:64], detail=f"isn't a known parameter: remove it, or use one of {known}"
        )
    return FieldError(field=str(item["loc"][0]), detail=message)
