"""Parameters of a URL, read into a model: what is wrong with one is told by its name, with the mend."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from shared.errors import FieldError, InvalidRequest

_OF_THE_PLATFORM = frozenset({"code", "clientId"})  # a function key in a URL, and which one it is


def read_parameters[T: BaseModel](model: type[T], parameters: Mapping[str, str], **more: str) -> T:
    """Raises InvalidRequest naming each wrong parameter, never quoting a value. `more` is given beside the URL."""
    given = {name: value for name, value in parameters.items() if name not in _OF_THE_PLATFORM}
    try:
        return model.model_validate(given | more)
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False)
        fields = tuple(_field_error(model, item) for item in found)
        raise InvalidRequest("; ".join(f"{item.field}: {item.detail}" for item in fields), fields) from None


def _field_error(model: type[BaseModel], item: Any) -> FieldError:
    message = str(item["msg"]).removeprefix("Value error, ")
    if not item["loc"]:  # a rule over several, which names one itself
        field, _, detail = message.partition(": ")
        return FieldError(field=field, detail=detail)
    if item["type"] == "extra_forbidden":
        known = ", ".join(field.alias or name for name, field in model.model_fields.items())
        return FieldError(field=str(item["loc"][0])[:64], detail=f"is no parameter here: remove it; known are {known}")
    return FieldError(field=str(item["loc"][0]), detail=message)
