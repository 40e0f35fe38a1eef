"""Encodes media with ffmpeg: short segments, once per checkout, and mp4 files concatenated from them.

Segments are written atomically to a cache folder of the checkout. Simulators that run at the same time share them, and
one that dies while encoding leaves no broken file.
"""

import asyncio
import math
import os
import secrets
from collections import defaultdict
from pathlib import Path

import imageio_ffmpeg  # type: ignore[import-untyped] # it has no type marker

from local.acs.errors import SimulatorError
from local.acs.media import tones
from local.acs.media.wav import SAMPLE_RATE, SAMPLE_WIDTH, wav_header

CACHE = Path(__file__).resolve().parents[3] / ".local" / "media-cache"

VIDEO_SECONDS = 16
"""256 pictures at 16 per second and 250 AAC frames at 16 kHz. Both are whole numbers, so segments can be joined."""
AAC_FRAME = 1024
MP3_FRAME_BYTES = 216
MP3_FRAME_MS = 36

_AUDIO = ("-ar", str(SAMPLE_RATE), "-ac", "1")
_PICTURE = ("-f", "lavfi", "-i", f"testsrc=size=1920x1080:rate=16:duration={VIDEO_SECONDS}")
_H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "32", "-bf", "0")
_RATE = ("-b:v", "900k", "-minrate", "900k", "-maxrate", "900k", "-bufsize", "900k", "-x264-params", "nal-hrd=cbr")


class EncodingError(SimulatorError):
    """ffmpeg failed. The message has its output."""


class Encoders:
    def __init__(self, cache: Path = CACHE) -> None:
        self._cache = cache
        self._encoding: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def mp3_segment(self, voices: int) -> Path:
        """Independent frames of 216 bytes: any sequence of them is a valid file."""
        # Without the bit reservoir, a frame has all of its own sound.
        coding = ("-c:a", "libmp3lame", "-b:a", "48k", "-reservoir", "0", "-write_xing", "0", "-id3v2_version", "0")
        return await self._cached(
            f"turns-{voices}.mp3", _pcm_input(), *_AUDIO, *coding, stdin=_pcm(voices, 20 * SAMPLE_RATE)
        )

    async def mp4_segment(self, voices: int) -> Path:
        """A picture that counts seconds, and the voices' tones."""
        picture = await self._cached(f"picture-{VIDEO_SECONDS}.mp4", _PICTURE, *_H264, *_RATE)
        inputs = ("-i", str(picture), *_pcm_input())
        coding = ("-map", "0:v", "-map", "1:a", "-c:v", "copy", "-c:a", "aac", "-b:a", "64k", *_AUDIO)
        # The encoder adds a frame of silence before the sound. With one frame less, both tracks end together.
        sound = _pcm(voices, VIDEO_SECONDS * SAMPLE_RATE - AAC_FRAME)
        return await self._cached(f"turns-{voices}.mp4", inputs, *coding, stdin=sound)

    async def mp4_of_length(self, voices: int, seconds: float, target: Path) -> None:
        """Concatenates segments without encoding them again."""
        segment = str(await self.mp4_segment(voices)).replace("'", "'\\''")
        times = math.ceil(seconds / VIDEO_SECONDS) or 1
        playlist = f"file 'file:{segment}'\nduration {VIDEO_SECONDS}\n" * times
        inputs = ("-f", "concat", "-safe", "0", "-protocol_whitelist", "file,pipe", "-i", "pipe:0")
        # The shortest file that ffmpeg can write has one picture.
        length = ("-t", f"{max(seconds, 1 / 16):.3f}", "-c", "copy", "-movflags", "+faststart")
        await _ffmpeg(inputs, *length, str(target), stdin=playlist.encode())

    async def _cached(self, name: str, inputs: tuple[str, ...], *coding: str, stdin: bytes = b"") -> Path:
        target = self._cache / name
        async with self._encoding[name]:
            if not target.exists():
                self._cache.mkdir(parents=True, exist_ok=True)
                partial = self._cache / f"partial-{os.getpid()}-{secrets.token_hex(4)}-{name}"
                try:
                    await _ffmpeg(inputs, *coding, str(partial), stdin=stdin)
                    partial.rename(target)
                finally:
                    partial.unlink(missing_ok=True)
        return target


def _pcm_input() -> tuple[str, ...]:
    return ("-f", "wav", "-i", "pipe:0")


def _pcm(voices: int, samples: int) -> bytes:
    turns = tones.mixed(voices)
    size = samples * SAMPLE_WIDTH
    return wav_header(size, 1) + (turns * -(-size // len(turns)))[:size]


async def _ffmpeg(inputs: tuple[str, ...], *arguments: str, stdin: bytes = b"") -> None:
    process = await asyncio.create_subprocess_exec(
        imageio_ffmpeg.get_ffmpeg_exe(),
        *("-hide_banner", "-loglevel", "error", "-y", *inputs, *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        _, output = await process.communicate(stdin)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise EncodingError(f"ffmpeg ended with {process.returncode}: {output.decode(errors='replace').strip()}")
