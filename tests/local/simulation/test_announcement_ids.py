"""An announcement has one id. A recording that is complete again has another, at the same time if clocks differ."""

from typing import Any

import pytest

from local.simulation.judging.announcement_ids import AnnouncementIds


def announced(kind: str, name: str, size: int) -> dict[str, Any]:
    return {"id": name, "type": f"Callvault.{kind}", "subject": "s", "time": "t", "data": {"size": size}}


@pytest.mark.parametrize("clocks_agree", [True, False])
def test_a_repeated_announcement_has_its_id_and_content(clocks_agree: bool):
    same, other = announced("ChunkArchived", "a", 1), announced("ChunkArchived", "b", 1)
    assert violations([same, same], clocks_agree) == []
    assert violations([same, other], clocks_agree) == [
        "one end was announced under two ids: Callvault.ChunkArchived s t"
    ]
    assert violations([same, announced("ChunkArchived", "a", 2)], clocks_agree) == [
        "the announcement a has two contents"
    ]


@pytest.mark.parametrize("clocks_agree", [True, False])
def test_a_recording_that_is_complete_again_may_have_the_same_time_if_clocks_differ(clocks_agree: bool):
    twice = [announced("RecordingComplete", "a", 1), announced("RecordingComplete", "b", 1)]
    assert bool(violations(twice, clocks_agree)) == clocks_agree


def violations(events: list[dict[str, Any]], clocks_agree: bool) -> list[str]:
    return list(AnnouncementIds(events, clocks_agree=clocks_agree).violations())
