"""Field types that several strict contracts share: an invalid value makes the whole request invalid."""

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BeforeValidator

_FIRST_YEAR, _LAST_YEAR = 1601, 9000  # Table Storage's times begin in 1601


def _assume_utc(value: Any) -> Any:
    """A time without a zone is UTC."""
    if isinstance(value, datetime) and value.tzinfo is None:
        return value.isoformat() + "Z"
    return value


def _storable(value: datetime) -> datetime:
    """Converts to UTC. Raises ValueError for a year that Table Storage or deadlines don't support."""
    if not _FIRST_YEAR < value.year < _LAST_YEAR:
        raise ValueError(f"must be between the years {_FIRST_YEAR} and {_LAST_YEAR}")
    return value.astimezone(UTC)


Utc = Annotated[AwareDatetime, BeforeValidator(_assume_utc), AfterValidator(_storable)]
