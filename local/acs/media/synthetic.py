"""Media of an exact size in bytes, with valid headers and computed content, for tests of large or many files.

The content repeats with a period that has no common factor with any block size. A file with exchanged, repeated or
missing blocks therefore always differs. The seed sets the phase, so two documents differ.
"""

import random
import struct
from functools import cache

from local.acs.media.content import Content, Literal, Part, Repeating
from local.acs.media.wav import HEADER_SIZE, wav_header

PERIOD = 1_048_573
"""The largest prime below 1 MiB."""

MP3_FRAME = 216
MP3_FRAME_HEADER = bytes((0xFF, 0xF3, 0x68, 0xC0)) + bytes(9)
"""MPEG-2 layer III, 48 kbit/s, 16 kHz, mono, with the side information of silence. The rest is ancillary data."""
MP3_FRAMES = 4855
ID3_HEADER = 10

FTYP = struct.pack(">I4s4sI4s4s4s4s", 32, b"ftyp", b"isom", 512, b"isom", b"iso2", b"avc1", b"mp41")
BOX_LIMIT = 1 << 32
BOX_HEADER = 8
# A movie of no tracks: a header of version 0 with its time scale, speed, volume, matrix and next track.
MVHD = struct.pack(
    ">I4s4I2IH10x9I24xI",
    108,
    b"mvhd",
    0,
    0,
    0,
    1000,
    0,
    1 << 16,
    1 << 8,
    1 << 16,
    0,
    0,
    0,
    1 << 16,
    0,
    0,
    0,
    1 << 30,
    1,
)
MOOV = struct.pack(">I4s", BOX_HEADER + len(MVHD), b"moov") + MVHD

SMALLEST = {"wav": HEADER_SIZE, "mp3": ID3_HEADER + MP3_FRAME, "mp4": len(FTYP) + BOX_HEADER + len(MOOV)}


def synthetic(media_format: str, size: int, *, channels: int, seed: int) -> Content:
    """Content of exactly `size` bytes. Raises ValueError unless `size` is 0 or at least the format's `SMALLEST`."""
    if size == 0:
        return Content([])
    if size < SMALLEST[media_format]:
        raise ValueError(f"size of a {media_format} must be 0 or at least {SMALLEST[media_format]}")
    if media_format == "wav":
        return Content([Literal(wav_header(size - HEADER_SIZE, channels)), _filling(size - HEADER_SIZE, seed)])
    if media_format == "mp3":
        return Content(_mp3(size, seed))
    return Content(_mp4(size, seed))


def _filling(size: int, seed: int) -> Part:
    # The odd factor spreads consecutive seeds over the whole period.
    return Repeating(_noise(), size, phase=seed * 700_001 % PERIOD)


@cache
def _noise() -> bytes:
    return random.Random(16).randbytes(PERIOD)  # noqa: S311 - a reproducible pattern is wanted, not a secret


@cache
def _frames() -> bytes:
    source = random.Random(3)  # noqa: S311 - a reproducible pattern is wanted, not a secret
    # 0xFF would look like the sync word of a frame to a decoder that starts in the middle.
    ancillary = source.randbytes(MP3_FRAMES * (MP3_FRAME - len(MP3_FRAME_HEADER))).replace(b"\xff", b"\x7f")
    step = MP3_FRAME - len(MP3_FRAME_HEADER)
    return b"".join(MP3_FRAME_HEADER + ancillary[at : at + step] for at in range(0, len(ancillary), step))


def _mp3(size: int, seed: int) -> list[Part]:
    """Whole frames after an ID3 tag. The tag's padding has the remaining bytes."""
    frames, padding = divmod(size - ID3_HEADER, MP3_FRAME)
    synchsafe = bytes((0, 0, padding >> 7, padding & 0x7F))
    tag = b"ID3\x04\x00\x00" + synchsafe + bytes(padding)
    return [Literal(tag), Repeating(_frames(), frames * MP3_FRAME, phase=seed % MP3_FRAMES * MP3_FRAME)]


def _mp4(size: int, seed: int) -> list[Part]:
    """A file type box, one media box, and the index at the end, where most writers put it."""
    box = size - len(FTYP) - len(MOOV)
    header = struct.pack(">I4s", box, b"mdat") if box < BOX_LIMIT else struct.pack(">I4sQ", 1, b"mdat", box)
    return [Literal(FTYP + header), _filling(box - len(header), seed), Literal(MOOV)]
