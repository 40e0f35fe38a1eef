"""A delete location that names another document would destroy a recording that isn't archived."""

from datetime import UTC, datetime
from typing import Any

import pytest

from shared.domain.files.deletion_rule import reason_to_keep
from shared.domain.records import Chunk

NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)
ONE, OTHER = "0-eus-d12-00000000000000000000000000000001", "0-eus-d12-00000000000000000000000000000002"
CONTENT, DELETE = "https://storage.asm.skype.com/v1/objects/", "https://us-storage.asm.skype.com/v1/objects/"


def chunk(**changes: Any) -> Chunk:
    known = Chunk(
        recording_key="0" * 32,
        chunk_key="1" * 32,
        document_id=ONE,
        index=0,
        content_location=f"{CONTENT}{ONE}/content/video",
        metadata_location=f"{CONTENT}{ONE}/content/acsmetadata",
        delete_location=f"{DELETE}{ONE}",
        started_at=NOW,
        event_id="e",
        event_time=NOW,
        deadline=NOW,
        pending_at=NOW,
    )
    return known.evolve(**changes)


def reason(**changes: Any) -> str | None:
    keep = reason_to_keep(chunk(**changes))
    return keep and keep.failure.reason


def test_the_source_may_be_deleted_if_all_locations_name_its_document():
    assert reason() is None


@pytest.mark.parametrize(
    "same",
    [
        f"{DELETE}{ONE}/",
        f"{DELETE}{ONE.upper()}",
        f"{DELETE}{ONE.replace('0', '%30')}",
        f"https://us-storage.asm.skype.com/V1/Objects/{ONE}",
        f"https://us-storage.asm.skype.com/v2/documents/{ONE}/",
    ],
)
def test_case_escapes_and_the_rest_of_the_path_make_no_difference(same: str):
    assert reason(delete_location=same) is None


@pytest.mark.parametrize("field", ["content_location", "metadata_location", "delete_location"])
def test_the_source_is_kept_if_a_location_names_another_document(field: str):
    assert reason(**{field: getattr(chunk(), field).replace(ONE, OTHER)}) == "locations-differ"


def test_the_source_is_kept_if_the_document_id_differs():
    assert reason(document_id=OTHER) == "locations-differ"


@pytest.mark.parametrize(
    "doubtful",
    [
        "https://us-storage.asm.skype.com/",
        DELETE,
        f"{DELETE}{ONE}/../{OTHER}",
        f"{DELETE}{ONE}/%2e%2e/{OTHER}",
        f"{DELETE}{OTHER}/objects/{ONE}",
        f"{DELETE}{ONE}/objects/{OTHER}",
        f"{DELETE}{OTHER}/{ONE}",
        f"{DELETE}{OTHER}%2F{ONE}",
        f"{DELETE}{ONE}%2F..%2F{OTHER}",
        f"{DELETE}{ONE}%5C..%5C{OTHER}",
        f"{DELETE}{ONE}\\..\\{OTHER}",
        f"{DELETE}%252e%252e/{ONE}",
        f"{DELETE}/{ONE}",
        f"{DELETE}{ONE};v={OTHER}",
        f"{DELETE}{ONE}?objects/{OTHER}",
        f"{DELETE}{ONE}#/{OTHER}",
        f"{DELETE}{ONE}\u00e4",
        f"{DELETE}{ONE}%00",
        f"{DELETE}x{ONE}",
        f"{DELETE}{ONE}x",
        "https://[us-storage",
        "not a url",
    ],
)
def test_the_source_is_kept_if_a_location_is_ambiguous(doubtful: str):
    assert reason(delete_location=doubtful) == "locations-differ"


def test_an_event_without_a_delete_location_raises_no_alert():
    for nothing in (None, ""):
        keep = reason_to_keep(chunk(delete_location=nothing))
        assert keep is not None
        assert (keep.failure.reason, keep.alerts) == ("no-delete-location", False)
    other = f"{CONTENT}{OTHER}/content/video"
    assert reason(delete_location=None, content_location=other) == "locations-differ"


def test_the_source_is_kept_if_the_event_has_no_metadata_location():
    assert reason(metadata_location=None) == "no-metadata-location"


def test_the_source_of_an_unverified_file_is_kept():
    assert reason(unverified="no index") == "unverified-file"
