"""Everything beside open and failed chunks that needs a person, for the summary and the page.

These are health's checks, and further checks that only warn: items in the quarantine, dead letters, announcements that
the topic doesn't accept, and calls that AUTO_RECORD couldn't record.

Pages ask every few seconds. The results are therefore kept for 30 seconds in each process, and requests that come while
the checks run wait for the same results. The further checks cost one operation each, and sixteen more for the
announcements if a topic is configured. Only announcements and calls that are found cost one more each.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from shared.announcing.announcer import OVERDUE
from shared.contracts.http.list_views import Severity, SummaryCheckView
from shared.domain.clock import Clock
from shared.domain.list_entry import ListEntry, ListName
from shared.domain.outbox import read_outbox
from shared.domain.records import Chunk
from shared.errors import CallvaultError
from shared.gateways.blobs.dead_letters import DeadLetters
from shared.gateways.blobs.quarantine import Folder, QuarantineListing
from shared.gateways.bundle import Gateways
from shared.gateways.clients import Clients
from shared.operations.checks import Check, Checks, tried
from shared.recording.automatic import RECORDED
from shared.settings.settings import Settings

_PATIENCE = 10.0  # seconds for each check
_KEPT_FOR = timedelta(seconds=30)
_LISTED = 4999  # blobs of the quarantine: one request lists 5,000
_CALLS = 20  # the most calls that a run looks up
_CALLS_SINCE = timedelta(days=1)  # older calls are over
_NAMED = 3  # outcomes of calls listed in the check's detail
RUNBOOKS = {
    "tables": "function-failures",
    "queue": "function-failures",
    "archive": "function-failures",
    "acs": "function-failures",
    "deadline": "chunk-near-deadline",
    "poison": "poison-messages",
    "catalogue": "sweep-incomplete",
    "sweep": "sweep-silent",
    "quarantine": "event-quarantined",
    "dead-letters": "events-dead-lettered",
    "announcements": "announcements-overdue",
    "calls": "recording-not-started",
}


@dataclass(frozen=True, kw_only=True)
class Attention:
    """The results of all checks, and when they ran."""

    at: datetime
    checks: tuple[SummaryCheckView, ...]


class AttentionChecks:
    """Runs the checks, at most every 30 seconds."""

    def __init__(self, gateways: Gateways, checks: Checks, clients: Clients, clock: Clock, settings: Settings) -> None:
        self._checks, self._clients, self._clock, self._settings = checks, clients, clock, settings
        self._quarantine, self._worklist, self._catalogue = gateways.quarantine, gateways.worklist, gateways.catalogue
        self._lists, self._claims, self._topic = gateways.lists, gateways.claims, gateways.topic
        self._turn = asyncio.Lock()
        self._latest: Attention | None = None

    async def read(self) -> Attention:
        """Raises nothing: a service that can't be reached is a failed check."""
        async with self._turn:
            now = self._clock.now()
            if self._latest is None or now - self._latest.at >= _KEPT_FOR:
                self._latest = Attention(at=now, checks=await self._run(now))
            return self._latest

    async def _run(self, now: datetime) -> tuple[SummaryCheckView, ...]:
        checked, *warnings = await asyncio.gather(
            self._checks.run(),
            tried(self._quarantined(), seconds=_PATIENCE),
            tried(self._dead_letters(), seconds=_PATIENCE),
            tried(self._announcements(now), seconds=_PATIENCE),
            tried(self._calls(now), seconds=_PATIENCE),
        )
        names = ("quarantine", "dead-letters", "announcements", "calls")
        found = [
            Check(name=name, reason=one.reason, detail=str(one)) if isinstance(one, CallvaultError) else one
            for name, one in zip(names, warnings, strict=True)
        ]
        return (
            *(_view(check, Severity.DANGER) for check in checked.checks),
            *(_view(check, Severity.WARNING) for check in found),
        )

    async def _quarantined(self) -> Check:
        return _of_quarantine(await self._quarantine.listed(_LISTED))

    async def _dead_letters(self) -> Check:
        async with self._clients.blobs(self._settings.host_storage) as service:
            files = await DeadLetters(service, self._settings.deadletter_container).count()
        if not files:
            return Check(name="dead-letters")
        detail = (
            f"{_count(files, 'file has', 'files have')} events that Event Grid could not deliver: the function "
            "process_dead_letters processes them within five minutes; for files that stay, the log says why"
        )
        return Check(name="dead-letters", reason="dead-letters-waiting", detail=detail)

    async def _announcements(self, now: datetime) -> Check:
        items = [] if self._topic is None else await self._worklist.oldest_announcements()
        chunks = await asyncio.gather(*map(self._catalogue.chunk_of, items))
        waiting = [
            now - min(pending.at for pending in read_outbox(chunk.outbox))
            for chunk in chunks
            if isinstance(chunk, Chunk) and chunk.outbox is not None and read_outbox(chunk.outbox)
        ]
        longest = max(waiting, default=timedelta())
        if longest <= OVERDUE:
            return Check(name="announcements")
        detail = (
            f"an announcement has been waiting for {longest.total_seconds() / 3600:.1f} hours: check the topic of "
            "ANNOUNCE_TOPIC_ENDPOINT, and the app's role on it"
        )
        return Check(name="announcements", reason="announcements-overdue", detail=detail)

    async def _calls(self, now: datetime) -> Check:
        since = now - _CALLS_SINCE
        segments = self._lists.read(
            ListName.UNRECORDED, first=since.astimezone(UTC).date(), last=None, after=None, at_once=_CALLS
        )
        entries: list[ListEntry] = await anext(segments, [])
        keys = {entry.recording_key for entry in entries if entry.at >= since}
        claims = await asyncio.gather(*map(self._claims.find, sorted(keys)))
        outcomes = [claim.outcome or "still trying" for claim in claims if claim and claim.outcome not in RECORDED]
        if not outcomes:
            return Check(name="calls")
        many = f"{len(outcomes)} or more calls" if len(entries) == _CALLS else _count(len(outcomes), "call", "calls")
        reasons = "; ".join(sorted(set(outcomes))[:_NAMED])
        detail = (
            f"AUTO_RECORD could not record {many} of the last 24 hours ({reasons}): fix the cause, and start the "
            "recordings of running calls by hand"
        )
        return Check(name="calls", reason="calls-not-recorded", detail=detail)


def _of_quarantine(listing: QuarantineListing) -> Check:
    """Poison messages aren't counted: the state of their chunks says what they need."""
    folders = Counter(blob.folder for blob in listing.blobs if blob.replayed_at is None)
    events, callbacks = folders[Folder.EVENTS], folders[Folder.CALLBACKS]
    if not events and not callbacks:
        return Check(name="quarantine")
    more = "" if listing.complete else " or more"
    kinds = (_count(events, "event", "events"), _count(callbacks, "callback", "callbacks"))
    detail = (
        f"{' and '.join(filter(None, kinds))}{more} could not be processed: GET /api/quarantine has the reasons; "
        "fix the cause and replay the event, or delete the file if you don't need it"
    )
    return Check(name="quarantine", reason="items-quarantined", detail=detail)


def _count(number: int, one: str, many: str) -> str:
    """Empty for none."""
    return f"{number} {one if number == 1 else many}" if number else ""


def _view(check: Check, severity: Severity) -> SummaryCheckView:
    return SummaryCheckView(
        name=check.name,
        ok=check.ok,
        severity=severity,
        reason=check.reason,
        detail=check.detail,
        runbook=RUNBOOKS[check.name],
    )
