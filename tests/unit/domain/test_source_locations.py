"""Media of another document must not count as the chunk's."""

import pytest

from shared.domain.files.source_locations import metadata_location_of, names_another
from tests.unit.domain.test_deletion_rule import CONTENT, ONE, OTHER, chunk


@pytest.mark.parametrize(
    ("location", "another"),
    [
        (f"{CONTENT}{ONE}/content/video", False),
        (f"{CONTENT}{ONE}/content/video?part=1", False),
        ("https://storage.asm.skype.com/download/17", False),
        (f"{CONTENT}{OTHER}/content/video", True),
        (f"{CONTENT}{ONE}/../{OTHER}/content/video", True),
        (f"{CONTENT}{OTHER}/objects/{ONE}", True),
        ("https://[storage", True),
    ],
)
def test_a_location_of_another_document_is_recognized(location: str, another: bool):
    assert names_another(location, chunk()) is another
    assert metadata_location_of(chunk(metadata_location=location)) == (None if another else location)
