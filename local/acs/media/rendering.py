"""The media file of one recorded chunk, with a tone for each participant and a picture that counts seconds.

wav is computed when it is read, mp3 repeats frames that were encoded once, and mp4 is a file on disk.
"""

from dataclasses import dataclass
from pathlib import Path

from local.acs.media import tones
from local.acs.media.content import Content, Literal, Repeating, StoredFile, widened
from local.acs.media.encoders import MP3_FRAME_BYTES, MP3_FRAME_MS, Encoders
from local.acs.media.wav import SAMPLE_RATE, SAMPLE_WIDTH, wav_header

MOST_VOICES = 5


@dataclass(frozen=True, kw_only=True)
class Take:
    """The properties of a recorded chunk's media."""

    media_format: str
    unmixed: bool
    voices: int
    duration_ms: int


async def render(take: Take, encoders: Encoders, directory: Path, name: str) -> Content:
    voices = min(max(take.voices, 1), MOST_VOICES)
    if take.media_format == "wav":
        return _wav(take, voices)
    if take.media_format == "mp3":
        segment = (await encoders.mp3_segment(voices)).read_bytes()
        whole = segment[: len(segment) - len(segment) % MP3_FRAME_BYTES]
        frames = max(1, round(take.duration_ms / MP3_FRAME_MS))
        return Content([Repeating(widened(whole), frames * MP3_FRAME_BYTES)])
    target = directory / f"{name}.mp4"
    await encoders.mp4_of_length(voices, take.duration_ms / 1000, target)
    return Content([StoredFile(target, target.stat().st_size)])


def _wav(take: Take, voices: int) -> Content:
    channels = voices if take.unmixed else 1
    turns = tones.unmixed(voices) if take.unmixed else tones.mixed(voices)
    size = take.duration_ms * SAMPLE_RATE // 1000 * channels * SAMPLE_WIDTH
    return Content([Literal(wav_header(size, channels)), Repeating(turns, size)])
