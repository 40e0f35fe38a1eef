"""The labels of a start request and of a rule, and the filter of a list by one of them."""

from typing import Annotated, Any

from pydantic import AfterValidator, Field, StringConstraints, TypeAdapter, ValidationError

from shared.contracts.text import Plain
from shared.domain.labels import LONGEST_VALUE, MOST, MOST_BYTES, NAME_PATTERN, is_name, labels_of, size_of

_NAMES = "a letter, then up to 31 letters, digits, underscores, dots or hyphens"


def _name(value: str) -> str:
    if not is_name(value):
        raise ValueError(f"isn't a label's name: use {_NAMES}")
    return value


def _together(labels: dict[str, str]) -> dict[str, str]:
    if size_of(labels) > MOST_BYTES:
        raise ValueError(
            f"are too long together: percent-encoded they may have at most {MOST_BYTES} bytes; shorten the values"
        )
    return labels


def _filter(value: str) -> str:
    name, equals, wanted = value.partition("=")
    if not equals or not is_name(name) or not wanted:
        raise ValueError(f"must be a name and a value, such as case=4711; a name is {_NAMES}")
    return value


def _schema(schema: dict[str, Any]) -> None:
    schema["description"] = "Names and values that a caller chooses."
    schema["propertyNames"] = {"pattern": f"^{NAME_PATTERN}$"}


LabelValue = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_VALUE), Plain(unpadded=True)]
# A named type, and so a schema of its own: generators of clients make one class of it.
type Labels = Annotated[
    dict[Annotated[str, AfterValidator(_name)], LabelValue],
    Field(max_length=MOST, json_schema_extra=_schema),
    AfterValidator(_together),
]
_value: TypeAdapter[str] = TypeAdapter(LabelValue)


def read_labels(text: str | None) -> dict[str, str]:
    """The labels in a blob's metadata, which others can change. Those that a request could not have are left out."""
    return {name: value for name, value in labels_of(text).items() if _is_value(value)}


def _is_value(text: str) -> bool:
    try:
        _value.validate_python(text)
    except ValidationError:
        return False
    return True


LabelFilter = Annotated[str, StringConstraints(max_length=LONGEST_VALUE + 33), AfterValidator(_filter)]
