"""The defects of `mutants`. Each function installs one in this process; its sentence describes it."""

import uuid
from typing import Any

from local.faults.mutation.mutants import mutant, swap, swap_property
from local.faults.schedules.scenarios import Scenario
from shared.archiving.copy.source_file import Accepted
from shared.contracts.events.recording_event import UnreadableEvent
from shared.domain.records import Chunk
from shared.domain.states import ChunkState
from shared.errors import CallvaultError, SourceError, SourceGone


def _always(*, result: Any) -> Any:
    """A coroutine function that does nothing and returns the given value."""

    async def nothing(*_: Any, **__: Any) -> Any:
        return result

    return lambda _: nothing


@mutant("Every failure of the source is final: the chunk is lost.", Scenario.GONE, Scenario.LATE)
def every_failure_is_final() -> None:
    def final(original: Any) -> Any:
        def after(self: Any, chunk: Any, error: Any, now: Any) -> Any:
            return ChunkState.LOST if isinstance(error, SourceError) else original(self, chunk, error, now)

        return after

    swap("shared.archiving.retry:RetryPolicy.after", final)


@mutant("One 404 means that the source is gone.", Scenario.GONE)
def one_404_is_lost() -> None:
    def final(original: Any) -> Any:
        def after(self: Any, chunk: Any, error: Any, now: Any) -> Any:
            return ChunkState.LOST if isinstance(error, SourceGone) else original(self, chunk, error, now)

        return after

    swap("shared.archiving.retry:RetryPolicy.after", final)


@mutant("Five 404s mean that the source is gone, however quickly they follow each other.", Scenario.GONE)
def absence_is_proved_in_minutes() -> None:
    swap("shared.archiving.retry:_is_proved_gone", lambda _: lambda chunk, _now: chunk.gone >= 5)  # noqa: PLR2004 - as described


@mutant("After the deadline one failure means that the chunk is lost.", Scenario.LATE)
def deadline_is_the_end() -> None:
    def final(original: Any) -> Any:
        def after(self: Any, chunk: Any, error: Any, now: Any) -> Any:
            return ChunkState.LOST if now >= chunk.deadline else original(self, chunk, error, now)

        return after

    swap("shared.archiving.retry:RetryPolicy.after", final)


@mutant("A later job deletes the source without checking the archive.", Scenario.TAMPERED)
def archive_is_not_checked() -> None:
    swap("shared.archiving.release:Release._is_safe", _always(result=True))


@mutant("A worker that was frozen deletes the source because of a check before the freeze.", Scenario.FROZEN)
def stale_checks_are_used() -> None:
    from datetime import timedelta  # noqa: PLC0415 - in this worker only

    swap("shared.archiving.release:_VALID_FOR", lambda _: timedelta(days=1))


@mutant("No list is ever written.", Scenario.PLAIN)
def lists_are_not_written() -> None:
    swap("shared.gateways.tables.lists:Lists.add", _always(result=None))


@mutant("A repeated announcement has another id.", Scenario.TOPIC)
def announcements_have_new_ids() -> None:
    swap("shared.announcing.messages:key_of", lambda _: lambda _identifier: uuid.uuid4().hex)


@mutant("Announcements that the topic refuses are dropped.", Scenario.TOPIC)
def refused_announcements_are_dropped() -> None:
    def forgetful(original: Any) -> Any:
        async def publish(self: Any, announcements: Any) -> None:
            try:
                await original(self, announcements)
            except CallvaultError:
                return

        return publish

    swap("shared.gateways.topic:Topic.publish", forgetful)


@mutant("Parts of a single stream are written at the offsets of later blocks.", Scenario.RANGES)
def offsets_are_ignored_on_resume() -> None:
    swap_property("shared.archiving.copy.source_file:Media.can_resume", lambda self: self.etag is not None)
    swap("shared.archiving.copy.source_file:Media._check", lambda _: lambda _self, _part, _start, _length: None)
    swap("shared.archiving.copy.source_file:Media.prove", lambda _: lambda _self, _start, _data: None)
    swap("shared.archiving.copy.source_file:Media.prove_unread", _always(result=None))


@mutant("A file that changes between two reads is assembled from both versions.", Scenario.RANGES)
def versions_are_mixed() -> None:
    swap("shared.archiving.copy.source_file:Media._check", lambda _: lambda _self, _part, _start, _length: None)


@mutant("Metadata are copied first, and their failure stops the media.", Scenario.NO_METADATA)
def metadata_block_the_media() -> None:
    def blocking(original: Any) -> Any:
        async def attempt(self: Any, lease: Any, **more: Any) -> Any:
            location = lease.chunk.metadata_location
            if location is not None:
                await self._source.read_whole(location, limit=1 << 22)
            return await original(self, lease, **more)

        return attempt

    swap("shared.archiving.files:FileCopier.attempt", blocking)


@mutant("A delete location is used even if it names another document.", Scenario.ODD, oddity="foreign delete location")
def delete_location_is_not_checked() -> None:
    def believing(original: Any) -> Any:
        return lambda chunk: None if chunk.delete_location is not None else original(chunk)

    for module in ("archiving.release", "archiving.endings"):
        swap(f"shared.{module}:reason_to_keep", believing)


@mutant("Later events of a document are ignored.", Scenario.ODD, oddity="corrected")
def first_event_wins() -> None:
    swap("shared.intake.known_chunks:KnownChunks.announced_again", _always(result=None))


@mutant("A document is filed under every recording that an event names.", Scenario.ODD, oddity="two recordings")
def documents_have_many_recordings() -> None:
    def many(_: Any) -> Any:
        async def link_document(_self: Any, _document_id: str, recording_key: str) -> str:
            return recording_key

        return link_document

    swap("shared.gateways.tables.links:Links.link_document", many)


@mutant("The unreadable part of an event is dropped.", Scenario.ODD, oddity="bad among good")
def quarantine_is_empty() -> None:
    swap("shared.gateways.blobs.quarantine:Quarantine.keep", _always(result=None))


@mutant("Files on the customer's own storage are treated as ACS's.", Scenario.ODD, oddity="customer's storage")
def own_storage_is_not_detected() -> None:
    for name in ("is_own_storage", "names_own_storage"):
        swap(f"shared.contracts.events.recording_event:{name}", lambda _: lambda _location: False)


@mutant("One odd field quarantines the whole event.", Scenario.ODD, oddity="odd duration")
def odd_fields_stop_events() -> None:
    def strict(original: Any) -> Any:
        def read_event(envelope: dict[str, Any]) -> Any:
            event = original(envelope)
            if event.unread or event.unknown:
                raise UnreadableEvent("it has an odd field")
            return event

        return read_event

    swap("shared.intake.intake:read_event", strict)


@mutant("Every complete download is accepted, without a check of its format.", Scenario.GARBLED)
def formats_are_not_checked() -> None:
    for name in ("see", "take"):
        swap(f"shared.archiving.copy.media_format:Proof.{name}", lambda _: lambda *_args: None)
    swap("shared.archiving.copy.media_format:Proof.missing", lambda _: lambda *_args: None)
    swap(
        "shared.archiving.copy.source_file:_format",
        lambda original: lambda head, _: original(head, Accepted.ANY_FILE) or "mp3",
    )
    swap("shared.archiving.files:check_metadata", lambda _: lambda *_args, **_named: None)


@mutant("One exception ends the whole run of the sweep.", Scenario.PLAIN, jobs_lost=True, spoiled=True)
def sweep_ends_at_the_first_exception() -> None:
    swap("shared.recovery.sweep:Sweep._guarded", lambda _: lambda self, item, run: self._check(item, run))


@mutant("The sweep queues nothing again.", Scenario.PLAIN, jobs_lost=True)
def lost_messages_stay_lost() -> None:
    swap("shared.recovery.chunk_check:ChunkCheck._send", _always(result=None))


@mutant("A poison message fails a chunk that is waiting for its next attempt.", Scenario.POISONED)
def poison_fails_what_waits() -> None:
    swap("shared.recovery.poison:Poison._is_queued_again", lambda _: lambda _self, _chunk, _now: False)


@mutant("After the first event of a recording, missing chunks are no longer noticed.", Scenario.GAP)
def missing_chunks_are_not_noticed() -> None:
    swap("shared.domain.records:Recording.is_whole", lambda _: lambda _self, _chunks: True)


@mutant("The source is deleted before the catalogue records that the chunk is archived.", Scenario.PLAIN)
def source_is_deleted_first() -> None:
    def hasty(original: Any) -> Any:
        async def attempt(self: Any, lease: Any, **more: Any) -> Any:
            secured = await original(self, lease, **more)
            if lease.chunk.delete_location is not None:
                await self._source.delete(lease.chunk.delete_location)
            return secured

        return attempt

    swap("shared.archiving.files:FileCopier.attempt", hasty)


@mutant("No participant is added to the lists.", Scenario.PLAIN)
def participants_are_not_listed() -> None:
    swap("shared.archiving.participants:ParticipantIndex.add", _always(result=None))


@mutant("Rows are never removed from the worklist.", Scenario.PLAIN)
def rows_are_not_removed() -> None:
    swap("shared.gateways.tables.worklist:Worklist.remove", _always(result=None))


@mutant("The recorded digest isn't the digest of the file.", Scenario.PLAIN)
def digests_are_wrong() -> None:
    def wrong(original: Any) -> Any:
        def end(self: Any, moved: Chunk) -> Any:
            return original(self, moved.evolve(sha256=moved.sha256 and moved.sha256[::-1]))

        return end

    swap("shared.archiving.lease:Lease.end", wrong)


@mutant("Callers' actions aren't written to the history.", Scenario.PLAIN)
def acts_are_not_audited() -> None:
    swap("shared.gateways.tables.audit:Audit.add", _always(result=None))


@mutant("Locations that a new event replaces are not kept.", Scenario.ODD, oddity="corrected")
def old_locations_are_not_kept() -> None:
    swap("shared.intake.known_chunks:KnownChunks._keep_old", _always(result=None))
