"""Blob Storage refuses a file whose metadata exceeds 8 KiB. Such a file would never be archived."""

from urllib.parse import quote

import pytest

from shared.archiving.stored_files import properties_of
from shared.domain.labels import MOST_BYTES, text_of
from tests.unit.world import World, document, event_of

LABELS = text_of({f"n{number}": "v" * 190 for number in range(10)})
SIZE_AND_DIGEST = {"size": "1" * 19, "sha256": "0" * 64}  # what the archive adds


@pytest.mark.parametrize(("end_reason", "fits"), [("SessionEnded", True), ("終" * 256, False)])
async def test_labels_that_don_t_fit_are_left_out(end_reason: str, fits: bool):
    """IDs and reasons come from events, so nobody can shorten them."""
    world = await World.made(document("one"))
    await world.host.invoke(lambda app: app.intake.receive(event_of("rec", "one")))
    chunk = (await world.chunk("rec", "one")).evolve(
        labels=LABELS, end_reason=end_reason, recording_id="A" * 1024, document_id="#" * 1024
    )
    assert LABELS is not None
    assert MOST_BYTES * 0.9 < len(quote(LABELS)) <= MOST_BYTES
    properties = properties_of(chunk)
    assert ("labels" in properties) is fits
    written = {**properties, **SIZE_AND_DIGEST}
    assert sum(len(name) + len(quote(value)) for name, value in written.items()) <= 8192
