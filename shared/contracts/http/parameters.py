"""Parses URL parameters into a model. Errors name the invalid parameter and its fix."""

from collections import Counter
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from pydantic import BaseModel, ValidationError

from shared.contracts.http.mistakes import shortened, unknown
from shared.errors import FieldError, InvalidRequest

_OF_THE_PLATFORM = frozenset({"code", "clientId"})  # a function key in the URL, and the key's name


def read_parameters[T: BaseModel](model: type[T], parameters: Mapping[str, str], **more: str) -> T:
    """Raises InvalidRequest, which names each invalid parameter but no value. `more`: parameters outside the URL."""
    given = {name: value for name, value in parameters.items() if name not in _OF_THE_PLATFORM}
    try:
        return model.model_validate(given | more)
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False)
        raise InvalidRequest.of_fields(*(_field_error(model, item) for item in found)) from None


def refuse_repeated(url: str) -> None:
    """Raises InvalidRequest if the URL has a parameter twice.

    The host joins the values with a comma and ignores the case of names, so only the URL shows it.
    """
    names = Counter(name.lower() for name, _ in parse_qsl(urlsplit(url).query, keep_blank_values=True))
    repeated = [shortened(name) for name, number in names.items() if number > 1]
    if repeated:
        detail = "is given more than once: send it once"
        raise InvalidRequest.of_fields(*(FieldError(field=name, detail=detail) for name in repeated))


def _field_error(model: type[BaseModel], item: Any) -> FieldError:
    message = str(item["msg"]).removeprefix("Value error, ")
    if not item["loc"]:  # a rule for several parameters; its message names one
        field, _, detail = message.partition(": ")
        return FieldError(field=field, detail=detail)
    if item["type"] == "extra_forbidden":
        name = str(item["loc"][0])
        known = [field.alias or one for one, field in model.model_fields.items()]
        return FieldError(field=shortened(name), detail=unknown("parameter", name, known))
    return FieldError(field=str(item["loc"][0]), detail=message)
