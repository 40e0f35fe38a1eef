"""The header of ACS's wav files: PCM, 16 kHz, 16 bit, with one channel for each participant if unmixed."""

import struct

SAMPLE_RATE = 16_000
SAMPLE_WIDTH = 2
HEADER_SIZE = 44
FIELD_LIMIT = (1 << 32) - 1


def wav_header(data_size: int, channels: int) -> bytes:
    """A canonical header. Sizes above 4 GiB are written as the largest number, as streaming writers do."""
    frame = channels * SAMPLE_WIDTH
    whole = data_size - data_size % frame
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        b"RIFF",
        min(whole + HEADER_SIZE - 8, FIELD_LIMIT),
        b"WAVE",
        b"fmt ",
        16,
        1,
        channels,
        SAMPLE_RATE,
        SAMPLE_RATE * frame,
        frame,
        SAMPLE_WIDTH * 8,
        b"data",
        min(whole, FIELD_LIMIT),
    )
