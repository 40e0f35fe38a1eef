"""The headers that make a repeated start safe."""

from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime


@dataclass(frozen=True, kw_only=True)
class Repeatability:
    """Identifies a start, so that ACS answers a repeated one as the first (OASIS Repeatable Requests)."""

    request_id: str
    first_sent: datetime

    def headers(self) -> dict[str, str]:
        return {
            "Repeatability-Request-ID": self.request_id,
            "Repeatability-First-Sent": format_datetime(self.first_sent, usegmt=True),
        }
