"""REQUIRE_CONSENT: nobody is recorded before consent is stored. Checked at the moment when ACS begins to record."""

from local.simulation.judging.invariants import Violated
from local.simulation.judging.stored import Stored
from local.simulation.world.recorder import CallRecording
from shared.domain.keys import key_of

_STATED = '"consent_reference"'  # in the stored request of a start


def check_consent(stored: Stored, recording: CallRecording) -> None:
    """Raises Violated if a recording begins or continues and storage has no consent for it."""
    if not stored.settings.require_consent or recording.state != "active":
        return
    row = stored.recordings().get(key_of(recording.recording_id), {})
    start = stored.links("start-").get(key_of(recording.token), {})
    if "consentReference" not in row and _STATED not in str(start.get("asked")):
        raise Violated(f"{recording.recording_id} records, and no consent is stored")
