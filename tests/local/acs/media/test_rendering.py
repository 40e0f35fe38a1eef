"""Media files have valid formats and the expected content. If these tests fail, archived recordings can't be played."""

import io
import re
import subprocess
import wave
from itertools import pairwise

import imageio_ffmpeg
import pytest

from local.acs.media.synthetic import SMALLEST
from tests.local.acs.clients import downloaded, recorded

MP4 = {"recording_content_type": "audioVideo", "recording_format_type": "mp4"}
MP3 = {"recording_content_type": "audio", "recording_format_type": "mp3"}
UNMIXED = {"recording_content_type": "audio", "recording_channel_type": "unmixed", "recording_format_type": "wav"}


def probed(path):
    """The output of ffmpeg for a file, and the duration. Fails if ffmpeg can't read the file to its end."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-i", path, "-f", "null", "-"]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    hours, minutes, seconds = re.search(r"Duration: (\d+):(\d+):([\d.]+)", output).groups()
    return output, int(hours) * 3600 + int(minutes) * 60 + float(seconds)


async def media_of(control, client, tmp_path, **options):
    recording = await recorded(control, client, **options)
    data = await downloaded(client, recording["chunks"][0]["contentLocation"])
    path = tmp_path / "media"
    path.write_bytes(data)
    return recording, data, path


async def test_mp4_has_acs_picture_and_sound(control, client, tmp_path):
    recording, data, path = await media_of(control, client, tmp_path, seconds=10, **MP4)
    output, seconds = probed(path)
    assert seconds == pytest.approx(recording["durationMs"] / 1000, abs=0.2)
    assert re.search(r"Video: h264.* 1920x1080.* 16 fps", output)
    assert re.search(r"Audio: aac.* 16000 Hz, mono", output)
    assert data[4:8] == b"ftyp"
    assert 0 < data.find(b"moov") < data.find(b"mdat"), "a player could begin before it has everything"


async def test_a_long_mp4_is_complete(control, client, tmp_path):
    recording, data, path = await media_of(control, client, tmp_path, seconds=100, **MP4)
    _, seconds = probed(path)
    assert seconds == pytest.approx(100, abs=0.3)
    assert len(data) == pytest.approx(7_500_000 * 100 / 60, rel=0.3), "about 7.5 MB a minute, as ACS gives"
    assert recording["chunks"][0]["size"] == len(data)


async def test_mp3_is_mixed_at_16_khz(control, client, tmp_path):
    recording, data, path = await media_of(control, client, tmp_path, seconds=60, **MP3)
    output, seconds = probed(path)
    assert seconds == pytest.approx(recording["durationMs"] / 1000, abs=0.1)
    assert re.search(r"Audio: mp3.* 16000 Hz, mono", output)
    assert data[:2] == b"\xff\xf3"


async def test_an_unmixed_wav_gives_each_participant_a_tone(control, client, tmp_path):
    call = await control.post("/calls", participants=5)
    recording, data, _ = await media_of(control, client, tmp_path, seconds=7, call=call, **UNMIXED)
    with wave.open(io.BytesIO(data)) as file:
        assert (file.getnchannels(), file.getframerate(), file.getsampwidth()) == (5, 16000, 2)
        assert file.getnframes() == recording["durationMs"] * 16
        frames = memoryview(file.readframes(16000)).cast("h")
    pitches = [sum(1 for a, b in pairwise(tone) if a < 0 <= b) for tone in (frames[c::5].tolist() for c in range(5))]
    assert pitches == pytest.approx([262, 330, 392, 494, 587], abs=1)


async def test_a_mixed_wav_has_one_channel(control, client, tmp_path):
    _, data, _ = await media_of(control, client, tmp_path, seconds=3)
    with wave.open(io.BytesIO(data)) as file:
        assert file.getnchannels() == 1
        assert file.getnframes() >= 3 * 16000


async def test_pauses_are_not_in_the_file_but_in_the_metadata(control, client):
    call = await control.post("/calls")
    started = await client.start_recording(server_call_id=call["serverCallId"], **UNMIXED)
    path = f"/recordings/{started.recording_id}"
    await control.post(f"{path}/advance", seconds=60)
    await client.pause_recording(started.recording_id)
    await control.post(f"{path}/advance", seconds=30)
    await client.resume_recording(started.recording_id)
    await control.post(f"{path}/advance", seconds=10)
    await client.stop_recording(started.recording_id)
    recording = await control.get(path)
    (chunk,) = recording["chunks"]
    (pause,) = chunk["metadata"]["pauseResumeIntervals"]
    assert pause["duration"] == pytest.approx(30_000, abs=2000)
    assert recording["durationMs"] == pytest.approx(70_000, abs=2000)
    assert chunk["metadata"]["chunkDuration"] == recording["durationMs"]
    assert recording["pauses"] == [pause]


async def test_a_cut_and_a_full_chunk_end_a_chunk(control, client):
    call = await control.post("/calls", chunkSeconds=100)
    started = await client.start_recording(server_call_id=call["serverCallId"], **UNMIXED)
    path = f"/recordings/{started.recording_id}"
    await control.post(f"{path}/advance", seconds=40)
    await control.post(f"{path}/cut")
    await control.post(f"{path}/advance", seconds=150)
    await client.stop_recording(started.recording_id)
    chunks = (await control.get(path))["chunks"]
    assert [chunk["index"] for chunk in chunks] == [0, 1, 2]
    assert [round(chunk["metadata"]["chunkDuration"] / 1000) for chunk in chunks] == [40, 100, 50]
    assert [chunk["endReason"] for chunk in chunks] == ["ChunkMaximumTimeExceeded"] * 2 + ["SessionEnded"]


async def test_metadata_have_the_participants_who_were_present_during_the_recording(control, client):
    call = await control.post("/calls", participants=[{"id": "8:acs:early"}, {"id": "8:acs:stays", "name": "Ada"}])
    await control.delete(f"/calls/{call['callId']}/participants/8:acs:early")
    started = await client.start_recording(server_call_id=call["serverCallId"], **UNMIXED)
    await control.post(f"/calls/{call['callId']}/participants", id="8:acs:late")
    await client.stop_recording(started.recording_id)
    (chunk,) = (await control.get(f"/recordings/{started.recording_id}"))["chunks"]
    assert chunk["metadata"]["participants"] == [
        {"participantId": "8:acs:stays", "channel": 0},
        {"participantId": "8:acs:late", "channel": 1},
    ]


async def test_durations_have_a_decimal_point_and_sometimes_a_fraction(control):
    for seed, fraction in ((0, 0.0), (3, 0.5)):
        made = await control.post("/documents", size=320_044, seed=seed, oddities=True)
        text = await control.get(f"/documents/{made['chunks'][0]['documentId']}/metadata")
        assert text["chunkDuration"] % 1 == fraction
        assert isinstance(text["chunkDuration"], float)


async def test_metadata_can_lack_fields_as_real_ones_do(control):
    made = await control.post("/documents", size=320_044, wildMetadata=True, participants=[{"id": "8:acs:ada"}])
    metadata = made["chunks"][0]["metadata"]
    assert metadata["chunkDuration"] % 1 == 0.5
    assert set(metadata["pauseResumeIntervals"][-1]) == {"startTime"}
    assert metadata["participants"] == [{"participantId": "8:acs:ada"}, {"channel": 1}]


async def test_metadata_can_have_the_quirks_of_real_ones(control, client):
    call = await control.post("/calls", quirks=True)
    metadata = (await recorded(control, client, call=call, **MP4))["chunks"][0]["metadata"]
    assert metadata["version"] == "1.0"
    assert metadata["recordingInfo"]["contentType"] == "mixed"
    assert metadata["recordingInfo"]["channelType"] == "audioVideo"
    assert metadata["recordingInfo"]["videoConfiguration"]["framerate"] == 16


@pytest.mark.parametrize("more", [0, 1, 1000, 1_048_576, 3_000_001])
@pytest.mark.parametrize("media_format", ["wav", "mp3", "mp4"])
async def test_a_requested_document_has_the_exact_size_and_a_valid_format(
    control, client, tmp_path, media_format, more
):
    size = SMALLEST[media_format] + more
    made = await control.post("/documents", size=size, format=media_format)
    data = await downloaded(client, made["chunks"][0]["contentLocation"])
    assert len(data) == size == made["chunks"][0]["size"]
    if media_format == "wav":
        with wave.open(io.BytesIO(data)) as file:
            assert file.getnframes() == (size - 44) // 2
    elif media_format == "mp4":
        assert data[4:8] == b"ftyp"
        index = 32 + int.from_bytes(data[32:36])
        assert data[36:40] == b"mdat"
        assert (index + int.from_bytes(data[index : index + 4]), data[index + 4 : index + 8]) == (size, b"moov")
    elif more > 1000:
        (tmp_path / "media").write_bytes(data)
        output, seconds = probed(tmp_path / "media")
        assert "rror" not in output
        assert seconds == pytest.approx(size / 6000, rel=0.01)
    else:
        assert data[:3] == b"ID3"


async def test_a_seed_gives_the_same_bytes_and_another_seed_others(control):
    made = [await control.post("/documents", size=100_000, format="mp3", seed=seed) for seed in (1, 1, 2)]
    digests = [one["chunks"][0]["sha256"] for one in made]
    assert digests[0] == digests[1] != digests[2]


async def test_no_two_blocks_of_a_large_document_are_alike(control):
    made = await control.post("/documents", size=200 << 20, format="wav")
    content = await control.get(f"/documents/{made['chunks'][0]['documentId']}/content")
    for block in (1 << 20, 4 << 20, 8 << 20):
        heads = [content[at : at + 64] for at in range(0, len(content), block)]
        assert len(set(heads)) == len(heads)
