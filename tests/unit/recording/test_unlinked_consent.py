"""The consent of a start that crashed is with its recording, or a person is told before it is removed."""

import pytest

from tests.unit.recording.test_repeated_start import CONSENT, dies_after, start
from tests.unit.world import World

UNLINKED = "consent not linked to a recording {"


async def expired(world: World, caplog: pytest.LogCaptureFixture, *, hours: float) -> list[str]:
    """What the daily run reports, after some hours."""
    world.clock.forward(hours=hours)
    caplog.clear()
    world.host.restart(world.watched())
    await world.host.app.expiry.run()
    return [one.getMessage() for one in caplog.records if "not linked" in one.getMessage()]


def stored(world: World) -> int:
    return sum(key[0].startswith("start-") for key in world.rows(world.settings.links_table))


async def test_a_consent_without_a_recording_is_reported_after_a_day_and_before_it_is_removed(
    caplog: pytest.LogCaptureFixture,
):
    world = await World.made()
    dies_after(world, "start_recording")
    assert await start(world.host, consent=CONSENT) is None
    assert await expired(world, caplog, hours=23) == []
    (line,) = await expired(world, caplog, hours=24)
    assert line.startswith(UNLINKED)
    assert '"by": "ada"' in line
    assert CONSENT["reference"] not in line
    assert await expired(world, caplog, hours=24) == []
    assert stored(world) == 1
    assert len(await expired(world, caplog, hours=28 * 24)) == 1
    assert stored(world) == 0


async def test_a_start_without_consent_raises_no_alert(caplog: pytest.LogCaptureFixture):
    world = await World.made()
    dies_after(world, "start_recording")
    assert await start(world.host) is None
    (line,) = await expired(world, caplog, hours=25)
    assert not line.startswith(UNLINKED)


@pytest.mark.parametrize("crashes", [True, False])
async def test_a_start_whose_recording_is_known_is_not_reported(caplog: pytest.LogCaptureFixture, crashes: bool):
    world = await World.made()
    if crashes:
        dies_after(world, "start_recording")
        assert await start(world.host, consent=CONSENT) is None
        world.clock.forward(minutes=2)
        world.host.restart(world.watched())
    answer = await start(world.host, consent=CONSENT)
    assert answer is not None
    assert answer.status == 201
    assert await expired(world, caplog, hours=25) == []
