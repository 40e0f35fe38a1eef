"""The legal basis of a recording, as the caller states it; it is stored and shown with the recording."""

import re
from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, StringConstraints

from shared.contracts.fields import Utc
from shared.contracts.http.bodies import Body, parse
from shared.contracts.text import Plain
from shared.errors import InvalidRequest

_LEEWAY = timedelta(minutes=5)  # tolerance for the caller's clock
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)", re.ASCII | re.IGNORECASE)

Basis = Annotated[str, StringConstraints(min_length=1, max_length=256), Plain(unpadded=True)]
Reference = Annotated[str, StringConstraints(min_length=1, max_length=1024), Plain(unpadded=True)]


def _written_out(value: Any) -> Any:
    """Refuses numbers (pydantic reads seconds since 1970) and times without a zone: they prove nothing."""
    if not isinstance(value, str) or not _RFC_3339.fullmatch(value):
        raise ValueError("must be an RFC 3339 time with a time zone, such as 2026-11-21T09:00:00+01:00")
    return value


ObtainedAt = Annotated[Utc, BeforeValidator(_written_out)]


class Consent(Body):
    """The legal basis of a recording. It is stored, shown to callers and copied to the audit: don't include names."""

    basis: Basis = Field(description="Legal basis, such as consent or contract.")
    reference: Reference = Field(description="Where to find the proof: the ID of a document or ticket.")
    obtained_at: ObtainedAt = Field(description="When consent was given, with a time zone.")

    def must_be_given(self, now: datetime) -> None:
        """Raises InvalidRequest if the time is in the future."""
        if self.obtained_at > now + _LEEWAY:
            raise InvalidRequest.of("consent.obtainedAt", "is in the future: send the time at which consent was given")

    def details(self) -> dict[str, str]:
        """The details of an audit entry."""
        return {"basis": self.basis, "reference": self.reference, "obtainedAt": self.obtained_at.isoformat()}


class ResumeRecording(Body):
    """Resumes a recording, optionally with the consent that it requires."""

    consent: Consent | None = None


def parse_resume(body: bytes) -> ResumeRecording:
    """Parses a resume request; an empty body or null has no consent. Raises InvalidRequest like `parse`."""
    return ResumeRecording() if body.strip() in (b"", b"null") else parse(ResumeRecording, body)
