"""Processes dead-lettered events: by a timer, or by the command in shared.deadletters.

Each event in the dead-letter container goes through the same intake as a delivered event. A blob is deleted only after
all of its events were processed; after a crash the next run processes them again, which changes nothing. Events that
can't be parsed are quarantined. A blob that contains anything but events, or an event of a type that Callvault doesn't
process, stays in the container, and the timer skips it until it changes.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.contracts import lenient_json
from shared.contracts.events.call_started import is_call_started
from shared.contracts.events.outcome import Outcome
from shared.contracts.events.recording_event import event_type, is_recording_event
from shared.errors import CallvaultError, Unforeseen
from shared.gateways.blobs.dead_letters import DeadLetter, DeadLetters
from shared.gateways.clients import Clients
from shared.intake.intake import Intake
from shared.observability.logs import logger
from shared.settings.settings import Settings

log = logger("deadletters")

_AT_ONCE = 200  # the most blobs that one run of the timer reads
_LARGEST = 64 * 1024 * 1024  # bytes; an event has at most 1 MiB, and Event Grid writes several events into one blob


@dataclass(kw_only=True)
class DeadLetterCounts:
    """The counts of one run: blobs, events by type, and outcomes.

    `left` and `failed` have the names of blobs that stay in the container, each with the reason. A blob in `left` has
    something that Callvault can't process; `left_versions` has its ETag. A blob in `failed` met an error, and a later
    run may process it.
    """

    blobs: int = 0
    types: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    removed: int = 0
    left: dict[str, str] = field(default_factory=dict)
    left_versions: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    @property
    def events(self) -> int:
        return self.types.total()


class DeadLetterReplay:
    """Processes dead-lettered events."""

    def __init__(self, letters: DeadLetters, intake: Intake) -> None:
        self._letters, self._intake = letters, intake

    async def run(
        self, *, apply: bool, most: int | None = None, skipped: Mapping[str, str] | None = None
    ) -> DeadLetterCounts:
        """Counts the dead letters; with `apply`, processes them and deletes their blobs.

        A failure of one blob doesn't stop the others. At most `most` blobs are read. A blob in `skipped` with the same
        ETag is skipped. Raises DestinationError when the container can't be listed.
        """
        counts, skipped = DeadLetterCounts(), skipped or {}
        async for letter in self._letters.all():
            if skipped.get(letter.name) == letter.etag:
                continue
            if counts.blobs == most:
                break
            try:
                reason = await self._one(letter, counts, apply=apply)
            except CallvaultError as error:
                counts.failed[letter.name] = str(error)
            except Exception as error:  # noqa: BLE001 - one blob's failure must not stop the others
                counts.failed[letter.name] = f"unforeseen: {type(error).__name__}"
            else:
                if reason is not None:
                    counts.left[letter.name] = reason
                    counts.left_versions[letter.name] = letter.etag
        return counts

    async def _one(self, letter: DeadLetter, counts: DeadLetterCounts, *, apply: bool) -> str | None:
        """The reason why the blob stays in the container; None when it can be deleted."""
        counts.blobs += 1
        if letter.size > _LARGEST:
            return f"has more than {_LARGEST} bytes"
        body = await self._letters.read(letter)
        if body is None:
            return None
        events = _events(body)
        if events is None:
            return "has content other than events"
        counts.types.update(event_type(event) or "without a type" for event in events)
        if not apply:
            return None
        counts.outcomes.update([await self._intake.receive(event) for event in events])
        # The type decides, not the outcome. Two kinds of processed events are ignored: of a call that no rule of
        # AUTO_RECORD applies to, and of files that ACS wrote to the customer's own storage.
        if not all(is_recording_event(event) or is_call_started(event) for event in events):
            return "has an event of a type that Callvault doesn't process"
        if not await self._letters.remove(letter):
            return "was changed meanwhile"
        counts.removed += 1
        return None


class DeadLetterTimer:
    """The timer: processes a bounded number of dead letters in each run."""

    def __init__(self, clients: Clients, intake: Intake, settings: Settings) -> None:
        self._clients, self._intake, self._settings = clients, intake, settings
        self._left: dict[str, str] = {}  # blobs that earlier runs left in the container, and their ETags

    async def run(self) -> None:
        """Raises DestinationError when the container can't be listed, and Unforeseen when a blob can't be processed."""
        async with self._clients.blobs(self._settings.host_storage) as service:
            letters = DeadLetters(service, self._settings.deadletter_container)
            counts = await DeadLetterReplay(letters, self._intake).run(apply=True, most=_AT_ONCE, skipped=self._left)
        self._left |= counts.left_versions
        for name, reason in counts.left.items():
            log.warning("dead letter kept", extra={"action": "dead-letters", "blob": name, "reason": reason})
        for name, reason in counts.failed.items():
            log.warning(
                "dead letter processing failed", extra={"action": "dead-letters", "blob": name, "reason": reason}
            )
        if counts.blobs:
            outcomes = {str(outcome): number for outcome, number in counts.outcomes.items()}
            extra = {"action": "dead-letters", "blobs": counts.blobs, "removed": counts.removed, **outcomes}
            log.info("dead letters processed", extra=extra)
        if counts.failed:
            raise Unforeseen(f"{len(counts.failed)} dead letters couldn't be processed; the next run retries them")


def _events(body: bytes) -> list[dict[str, Any]] | None:
    try:
        parsed = lenient_json.parse(body)
    except (ValueError, RecursionError):
        return None
    events = parsed if isinstance(parsed, list) else [parsed]
    return events if events and all(isinstance(event, dict) for event in events) else None
