"""What the participants of a simulated call sound like: each has a tone of their own, and they speak in turns.

A turn is one second; the others hum softly meanwhile, so that every channel of an unmixed file is told apart by ear
and by a spectrum at any moment.
"""

import math
import sys
from array import array
from functools import lru_cache

from local.acs.content import widened
from local.acs.wav import SAMPLE_RATE

PITCHES = (262, 330, 392, 494, 587)
"""Whole hertz, so that a second of each ends where the next begins: C4, E4, G4, B4, D5."""

LOUD, SOFT = 9000, 1500


@lru_cache(maxsize=16)
def unmixed(voices: int) -> bytes:
    """Whole rounds of turns, a channel a voice, interleaved 16-bit samples."""
    frames = array("h", bytes(2 * voices * voices * SAMPLE_RATE))
    for voice in range(voices):
        frames[voice::voices] = _voice(voice, voices)
    return widened(_little_endian(frames))


@lru_cache(maxsize=16)
def mixed(voices: int) -> bytes:
    """The same turns in one channel."""
    channels = [_voice(voice, voices) for voice in range(voices)]
    # Five voices of which one is loud stay below the limit of 16 bits.
    return widened(_little_endian(array("h", map(sum, zip(*channels, strict=True)))))


def _voice(voice: int, voices: int) -> array[int]:
    loud, soft = _second(voice, LOUD), _second(voice, SOFT)
    round_of_turns = array("h")
    for turn in range(voices):
        round_of_turns.extend(loud if turn == voice else soft)
    return round_of_turns


@lru_cache(maxsize=16)
def _second(voice: int, amplitude: int) -> array[int]:
    step = 2 * math.pi * PITCHES[voice] / SAMPLE_RATE
    return array("h", (round(amplitude * math.sin(step * sample)) for sample in range(SAMPLE_RATE)))


def _little_endian(samples: array[int]) -> bytes:
    if sys.byteorder == "big":
        samples.byteswap()
    return samples.tobytes()
