"""What ffmpeg makes: short segments, encoded once per machine, and mp4 files strung together from them.

A segment lies in a cache folder of the checkout and is put there atomically, so that simulators started at the same
time share it and one that dies half-way leaves nothing broken.
"""

import asyncio
import os
import secrets
from collections import defaultdict
from pathlib import Path

import imageio_ffmpeg  # type: ignore[import-untyped]

from local.acs import tones
from local.acs.errors import SimulatorError
from local.acs.wav import SAMPLE_RATE, wav_header

CACHE = Path(__file__).resolve().parents[2] / ".local" / "media-cache"

VIDEO_SECONDS = 16
"""256 pictures at 16 a second and 250 AAC frames at 16 kHz: both whole, so that segments join without drift."""
MP3_FRAME_BYTES = 216
MP3_FRAME_MS = 36
MP3_FRAMES = 500

_AUDIO = ("-ar", str(SAMPLE_RATE), "-ac", "1")
_PICTURE = ("-f", "lavfi", "-i", f"testsrc=size=1920x1080:rate=16:duration={VIDEO_SECONDS}")
_H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "32", "-bf", "0")
_RATE = ("-b:v", "900k", "-minrate", "900k", "-maxrate", "900k", "-bufsize", "900k", "-x264-params", "nal-hrd=cbr")

_encoding: defaultdict[Path, asyncio.Lock] = defaultdict(asyncio.Lock)


class EncodingError(SimulatorError):
    """ffmpeg refused; carries what it said."""


async def mp3_segment(voices: int) -> Path:
    """500 frames of 216 bytes, none of which leans on another, so that any number of them in a row is a file."""
    # Without the bit reservoir a frame holds all of its own sound.
    coding = ("-c:a", "libmp3lame", "-b:a", "48k", "-reservoir", "0", "-write_xing", "0", "-id3v2_version", "0")
    return await _cached(f"turns-{voices}.mp3", _pcm_input(), *_AUDIO, *coding, stdin=_pcm(voices, 20))


async def mp4_segment(voices: int) -> Path:
    """A picture with a running counter of seconds, and the voices' tones."""
    picture = await _cached(f"picture-{VIDEO_SECONDS}.mp4", _PICTURE, *_H264, *_RATE)
    inputs = ("-i", str(picture), *_pcm_input())
    coding = ("-map", "0:v", "-map", "1:a", "-c:v", "copy", "-c:a", "aac", "-b:a", "64k", *_AUDIO)
    # The encoder begins with a frame of silence; without it going over, a segment is as long as its picture.
    length = ("-t", str(VIDEO_SECONDS), "-frames:a", "250")
    return await _cached(f"turns-{voices}.mp4", inputs, *coding, *length, stdin=_pcm(voices, VIDEO_SECONDS))


async def mp4_of_length(voices: int, seconds: float, target: Path) -> None:
    """String segments together without encoding anything again."""
    segment = await mp4_segment(voices)
    # The shortest file ffmpeg can write holds one picture.
    length = ("-t", f"{max(seconds, 1 / 16):.3f}", "-c", "copy", "-movflags", "+faststart")
    await _ffmpeg(("-stream_loop", "-1", "-i", str(segment)), *length, str(target))


def _pcm_input() -> tuple[str, ...]:
    return ("-f", "wav", "-i", "pipe:0")


def _pcm(voices: int, seconds: int) -> bytes:
    turns = tones.mixed(voices)
    size = seconds * SAMPLE_RATE * 2
    return wav_header(size, 1) + (turns * -(-size // len(turns)))[:size]


async def _cached(name: str, inputs: tuple[str, ...], *coding: str, stdin: bytes = b"") -> Path:
    target = CACHE / name
    async with _encoding[target]:
        if not target.exists():
            CACHE.mkdir(parents=True, exist_ok=True)
            partial = CACHE / f"partial-{os.getpid()}-{secrets.token_hex(4)}-{name}"
            try:
                await _ffmpeg(inputs, *coding, str(partial), stdin=stdin)
                partial.rename(target)
            finally:
                partial.unlink(missing_ok=True)
    return target


async def _ffmpeg(inputs: tuple[str, ...], *arguments: str, stdin: bytes = b"") -> None:
    process = await asyncio.create_subprocess_exec(
        imageio_ffmpeg.get_ffmpeg_exe(),
        *("-hide_banner", "-loglevel", "error", "-y", *inputs, *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        _, said = await process.communicate(stdin)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise EncodingError(f"ffmpeg ended with {process.returncode}: {said.decode(errors='replace').strip()}")
