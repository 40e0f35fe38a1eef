"""A row that another version of the app wrote must not hide its chunk."""

from datetime import UTC, datetime

import pytest
from azure.data.tables import TableEntity

from shared.domain.failure import Failure
from shared.domain.records import Chunk
from shared.errors import Fault
from shared.gateways.tables.entities import chunk_entity, to_chunk

NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)
FAILURE = Failure(fault=Fault.SOURCE, reason="acs-unavailable", detail="ACS did not answer")
CHUNK = Chunk(
    recording_key="a" * 32,
    chunk_key="b" * 32,
    document_id="doc",
    index=0,
    content_location="https://storage.asm.skype.com/v1/objects/doc/content/video",
    started_at=NOW,
    event_id="event",
    event_time=NOW,
    deadline=NOW,
    pending_at=NOW,
    failure=FAILURE,
)


def read_back(**changed: str | None) -> Chunk:
    entity = TableEntity({**chunk_entity(CHUNK), **changed})
    entity._metadata = {"etag": "1"}  # noqa: SLF001 - as the SDK sets it on a row that it read
    return to_chunk(entity)


def test_a_failure_is_read_back_as_it_was_written():
    assert read_back().failure == FAILURE


@pytest.mark.parametrize("fault", ["network", "", None])
def test_an_unknown_fault_counts_as_ours_and_the_chunk_is_read(fault: str | None):
    failure = read_back(fault=fault).failure
    assert failure is not None
    assert (failure.fault, failure.reason) == (Fault.OURS, "acs-unavailable")


def test_a_row_without_a_reason_has_no_failure():
    assert read_back(reason=None).failure is None
