"""On what ground people are recorded: what a caller states of it, and what is kept and shown with the recording."""

from typing import Annotated

from pydantic import Field, StringConstraints

from shared.contracts.bodies import Body, parse
from shared.contracts.events import Utc

Basis = Annotated[str, StringConstraints(min_length=1, max_length=256)]
Reference = Annotated[str, StringConstraints(min_length=1, max_length=1024)]


class Consent(Body):
    """The ground that a recording stands on. Kept, shown to callers, and written into the audit: name nobody in it."""

    basis: Basis = Field(description="The ground in law, as in: consent, or contract.")
    reference: Reference = Field(description="Where the proof is: a document's or a ticket's id.")
    obtained_at: Utc = Field(description="When it was given, with its time zone.")

    def details(self) -> dict[str, str]:
        """As the audit has it."""
        return {"basis": self.basis, "reference": self.reference, "obtainedAt": self.obtained_at.isoformat()}


class ResumeRecording(Body):
    """Resumes a recording, and brings the consent that it waited for."""

    consent: Consent | None = None


def parse_resume(body: bytes) -> ResumeRecording:
    """An empty body brings nothing. Raises InvalidRequest naming each wrong field and its mend."""
    return parse(ResumeRecording, body) if body.strip() else ResumeRecording()
