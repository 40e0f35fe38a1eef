"""On what ground people are recorded: what a caller states of it, and what is kept and shown with the recording."""

import re
from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, StringConstraints

from shared.contracts.fields import Utc
from shared.contracts.http.bodies import Body, parse
from shared.contracts.text import Plain
from shared.errors import InvalidRequest

_LEEWAY = timedelta(minutes=5)  # for a caller's clock
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)", re.ASCII | re.IGNORECASE)

Basis = Annotated[str, StringConstraints(min_length=1, max_length=256), Plain(unpadded=True)]
Reference = Annotated[str, StringConstraints(min_length=1, max_length=1024), Plain(unpadded=True)]


def _written_out(value: Any) -> Any:
    """A number, which would be taken for seconds since 1970, or a time without its zone, is no evidence of anything."""
    if not isinstance(value, str) or not _RFC_3339.fullmatch(value):
        raise ValueError("must be a time as RFC 3339 writes it, with its zone: 2026-11-21T09:00:00+01:00")
    return value


ObtainedAt = Annotated[Utc, BeforeValidator(_written_out)]


class Consent(Body):
    """The ground that a recording stands on. Kept, shown to callers, and written into the audit: name nobody in it."""

    basis: Basis = Field(description="The ground in law, as in: consent, or contract.")
    reference: Reference = Field(description="Where the proof is: a document's or a ticket's id.")
    obtained_at: ObtainedAt = Field(description="When it was given, with its time zone.")

    def must_be_given(self, now: datetime) -> None:
        """Raises InvalidRequest for one that is yet to be obtained."""
        if self.obtained_at > now + _LEEWAY:
            raise InvalidRequest.of("consent.obtainedAt", "lies in the future: say when consent was given")

    def details(self) -> dict[str, str]:
        """As the audit has it."""
        return {"basis": self.basis, "reference": self.reference, "obtainedAt": self.obtained_at.isoformat()}


class ResumeRecording(Body):
    """Resumes a recording, and brings the consent that it waited for."""

    consent: Consent | None = None


def parse_resume(body: bytes) -> ResumeRecording:
    """An empty body, or null, brings nothing. Raises InvalidRequest naming each wrong field and its mend."""
    return ResumeRecording() if body.strip() in (b"", b"null") else parse(ResumeRecording, body)
