"""The sound of a simulated call: each participant has a tone, and they take turns.

A turn lasts one second. The other participants' tones are softer in the meantime, so every channel of an unmixed file
can be identified at any time, by ear or by its spectrum.
"""

import math
import sys
from array import array
from functools import lru_cache

from local.acs.media.content import widened
from local.acs.media.wav import SAMPLE_RATE

PITCHES = (262, 330, 392, 494, 587)
"""C4, E4, G4, B4 and D5 in whole hertz, so that seconds join without a click."""

LOUD, SOFT = 9000, 1500


@lru_cache(maxsize=16)
def unmixed(voices: int) -> bytes:
    """Complete rounds of turns, with one channel for each voice, as interleaved 16-bit samples."""
    frames = array("h", bytes(2 * voices * voices * SAMPLE_RATE))
    for voice in range(voices):
        frames[voice::voices] = _voice(voice, voices)
    return widened(_little_endian(frames))


@lru_cache(maxsize=16)
def mixed(voices: int) -> bytes:
    """The same turns in one channel."""
    channels = [_voice(voice, voices) for voice in range(voices)]
    # The sum of one loud and four soft voices stays within 16 bits.
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
