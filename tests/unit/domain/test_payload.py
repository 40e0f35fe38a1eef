"""A payload is the same bytes, however they are cut into pieces. A wrong part would be proved or stored wrongly."""

import pytest

from shared.domain.files.payload import Payload, PayloadBuilder

DATA = bytes(range(10))


@pytest.mark.parametrize("pieces", [(DATA,), (DATA[:3], DATA[3:]), tuple(DATA[at : at + 1] for at in range(10))])
def test_a_part_has_the_bytes_from_its_start_on(pieces: tuple[bytes, ...]):
    payload = Payload(pieces)
    for start in range(10):
        for length in range(1, 12):
            assert payload.part(start, length) == DATA[start : start + length]
    assert payload.head(4) == DATA[:4]
    assert bytes(payload) == DATA
    assert payload.size == 10


def test_a_builder_collects_all_pieces_and_is_empty_afterwards():
    builder = PayloadBuilder()
    for at in range(0, 300_000, 100_000):
        builder.add(bytes([at // 100_000]) * 100_000)
    assert builder.size == 300_000
    assert bytes(builder.take()) == b"\0" * 100_000 + b"\1" * 100_000 + b"\2" * 100_000
    assert builder.size == 0
    assert bytes(builder.take()) == b""
