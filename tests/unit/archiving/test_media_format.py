"""If a broken file counted as good, the recording would be lost with its source. A good file must never be refused."""

import struct
import subprocess
from collections.abc import Callable

import imageio_ffmpeg
import pytest

from shared.archiving.copy.media_format import Proof, sniff
from shared.domain.files.payload import Payload
from shared.errors import SourceUnproven

SOUND = ("-f", "lavfi", "-i", "sine=frequency=440:duration=2")
PICTURE = ("-f", "lavfi", "-i", "testsrc=duration=2:size=64x64:rate=16")
REAL = {
    "wav": (*SOUND, "-f", "wav"),
    "wav of an odd length": (*SOUND, "-c:a", "pcm_u8", "-ar", "11025", "-t", "0.90001", "-f", "wav"),
    "wav of five channels": (*SOUND, "-ac", "5", "-ar", "16000", "-f", "wav"),
    "wav with 64-bit sizes": (*SOUND, "-rf64", "always", "-f", "wav"),
    "mp3": (*SOUND, "-f", "mp3"),
    "mp3 with both tags": (*SOUND, "-write_id3v1", "1", "-metadata", "title=x", "-ar", "16000", "-f", "mp3"),
    "mp3 of frames alone": (*SOUND, "-write_xing", "0", "-id3v2_version", "0", "-ar", "8000", "-f", "mp3"),
    "mp4": (*SOUND, *PICTURE, "-f", "mp4"),
    "mp4, index first": (*SOUND, *PICTURE, "-movflags", "+faststart", "-f", "mp4"),
    "mp4 in fragments": (*SOUND, *PICTURE, "-movflags", "frag_keyframe+empty_moov", "-f", "mp4"),
    "mp4 in segments": (*SOUND, *PICTURE, "-movflags", "dash+empty_moov", "-frag_duration", "500000", "-f", "mp4"),
}


def ffmpeg(*arguments: str) -> bytes:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-loglevel", "error", "-y", *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], bytes]:
    folder = tmp_path_factory.mktemp("media")

    def made(name: str) -> bytes:
        path = folder / name
        if not path.exists():
            ffmpeg(*REAL[name], str(path))
        return path.read_bytes()

    return made


def prove(data: bytes, block_size: int = 4096) -> None:
    """Proves a file like the copy does. Raises SourceUnproven."""
    proof = Proof(sniff(data[:16]), len(data))
    for start in range(0, len(data), block_size):
        proof.see(start, Payload.of(data[start : start + block_size]))
    assert proof.missing(len(data)) is None, "the walk must have ended"


def refused(data: bytes) -> bool:
    try:
        prove(data)
    except SourceUnproven:
        return True
    return False


def wav(data: bytes, *, whole: int | None = None, data_size: int | None = None, more: bytes = b"") -> bytes:
    chunks = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, 16000, 32000, 2, 16) + more
    chunks += struct.pack("<4sI", b"data", len(data) if data_size is None else data_size) + data
    return struct.pack("<4sI4s", b"RIFF", 4 + len(chunks) if whole is None else whole, b"WAVE") + chunks


def box(name: bytes, content: bytes = b"", *, size: int | None = None) -> bytes:
    return struct.pack(">I4s", 8 + len(content) if size is None else size, name) + content


FTYP = box(b"ftyp", b"isom\x00\x00\x02\x00isomiso2avc1mp41")
MOOV = box(b"moov", box(b"mvhd", bytes(100)))
MDAT = box(b"mdat", bytes(1000))
FRAME = b"\xff\xf3\x68\xc0" + bytes(212)  # MPEG-2 layer III, 48 kbit/s, 16 kHz


@pytest.mark.parametrize("block_size", [7, 4096, 1 << 20])
@pytest.mark.parametrize("name", REAL)
def test_files_from_real_encoders_are_proved_at_any_block_size(
    real: Callable[[str], bytes], name: str, block_size: int
):
    prove(real(name), block_size)


@pytest.mark.parametrize("media_format", ["wav", "mp3"])
def test_streamed_files_of_unknown_size_are_proved(media_format: str):
    """The encoder can't go back in its output, so it leaves sizes of all ones."""
    prove(ffmpeg(*SOUND, "-f", media_format, "pipe:1"))


@pytest.mark.parametrize("cut", [1, 8, 1000])
@pytest.mark.parametrize("name", [name for name in REAL if not name.startswith("mp3")])
def test_a_truncated_file_is_refused(real: Callable[[str], bytes], name: str, cut: int):
    if (name, cut) != ("wav of an odd length", 1):  # its last byte is only padding
        assert refused(real(name)[:-cut])


@pytest.mark.parametrize("byte", range(4))
@pytest.mark.parametrize("bit", range(8))
@pytest.mark.parametrize("name", ["wav", "mp4", "mp4, index first"])
def test_a_flipped_bit_in_the_first_bytes_is_detected(real: Callable[[str], bytes], name: str, byte: int, bit: int):
    data = bytearray(real(name))
    data[byte] ^= 1 << bit
    assert refused(bytes(data))


def test_a_flipped_bit_in_the_first_byte_of_a_large_mp4_is_detected():
    """With the flipped bit, the first box claims less than the file's length."""
    data = bytearray(FTYP + box(b"mdat", bytes(20 << 20)) + MOOV)
    data[0] ^= 1
    assert refused(bytes(data))


@pytest.mark.parametrize(
    "text", ["<html>", "<!DOCTYPE html>", '{"error": 1}', "[1]", "error", "ID3", "\n\n<html>", "RIFF....WAVE", "moov"]
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_an_html_page_in_any_encoding_is_refused(text: str, encoding: str):
    assert refused((text * 300).encode(encoding))
    assert refused(b"\xff\xfe" + (text * 300).encode("utf-16-le"))


@pytest.mark.parametrize(
    "data",
    [
        wav(bytes(100)),
        wav(b""),
        wav(bytes(100), more=struct.pack("<4sI5sx", b"LIST", 5, b"INFO.")),
        wav(bytes(100)) + b"\x00",
        wav(bytes(100)) + struct.pack("<4sI4s", b"LIST", 4, b"INFO"),
        wav(bytes(100), whole=0, data_size=0),
        wav(bytes(100), whole=0xFFFFFFFF, data_size=0xFFFFFFFF),
        wav(bytes(101), whole=4 + 24 + 8 + 102),
    ],
)
def test_a_wav_whose_lengths_fit_the_file_is_proved(data: bytes):
    prove(data)


@pytest.mark.parametrize(
    "data",
    [
        wav(bytes(100), data_size=101),
        wav(bytes(100), whole=137),
        wav(bytes(100), whole=0xFFFFFFFE),
        wav(bytes(100), whole=0, data_size=1 << 20),
        wav(bytes(100), whole=0xFFFFFFFF, data_size=0xFFFFFFF0),
        wav(bytes(100), more=struct.pack("<4sI", b"LIST", 1 << 30)),
        wav(bytes(100), more=bytes(8)),
        wav(bytes(101), whole=4 + 24 + 8 + 102)[:-1],
        wav(bytes(100))[:40],
        b"RIFF" + struct.pack("<I4s4sI", 20, b"WAVE", b"data", 8) + bytes(8),
        struct.pack("<4sI4s", b"RF64", 0xFFFFFFFF, b"WAVE") + wav(bytes(100))[12:],
        b"RIFF\x00\x00\x00\x00WAVE",
        b"RIFF\x00\x00\x00\x00WAVE" + bytes(5000),
    ],
)
def test_a_wav_with_lengths_beyond_its_end_or_without_a_header_is_refused(data: bytes):
    assert refused(data)


@pytest.mark.parametrize(
    ("whole", "data_size", "good"), [(0, 0, True), (172, 100, True), (173, 100, False), (0, 101, False)]
)
def test_64_bit_sizes_are_compared_with_the_file(whole: int, data_size: int, good: bool):
    sizes = struct.pack("<4sIQQQI", b"ds64", 28, whole, data_size, 0, 0)
    data = wav(bytes(100), data_size=0xFFFFFFFF)
    data = struct.pack("<4sI4s", b"RF64", 0xFFFFFFFF, b"WAVE") + sizes + data[12:]
    assert len(data) == 180
    assert refused(data) is not good


@pytest.mark.parametrize(
    "data",
    [
        FTYP + MDAT + MOOV,
        FTYP + MOOV + MDAT,
        FTYP + MOOV + box(b"mdat", bytes(1000), size=0),
        FTYP + box(b"mdat", struct.pack(">Q", 16 + 900) + bytes(900), size=1) + MOOV,
        FTYP + MDAT + box(b"moov", struct.pack(">Q", 16 + 108) + box(b"mvhd", bytes(100)), size=1),
        FTYP + MOOV + (box(b"moof", bytes(50)) + MDAT) * 3 + box(b"mfra", bytes(20)),
        FTYP + box(b"free") + box(b"wide") + MDAT + box(b"uuid", bytes(16)) + MOOV,
        FTYP + MDAT + MOOV + bytes(3),
        FTYP + MDAT + MOOV + bytes(64),
        box(b"ftyp", b"qt  \x20\x05\x03\x00qt  " + bytes(12)) + MDAT + MOOV,
    ],
)
def test_an_mp4_with_its_index_is_proved(data: bytes):
    prove(data)
    prove(data, 5)


@pytest.mark.parametrize(
    "data",
    [
        FTYP,
        FTYP + MDAT,
        FTYP + MDAT + box(b"moof", bytes(50)) + MDAT,
        FTYP + box(b"mdat", MOOV),
        FTYP + box(b"mdat", MOOV + bytes(100), size=0),
        FTYP + MDAT + MOOV[:-1],
        FTYP + MDAT + MOOV[:4],
        FTYP + MDAT + box(b"moov"),
        FTYP + MDAT + box(b"moov", bytes(100)),
        FTYP + MDAT + bytes(4) + MOOV,
        FTYP + MOOV + box(b"mdat", bytes(1000), size=1009),
        FTYP + MOOV + box(b"mdat", struct.pack(">Q", 1 << 40) + bytes(900), size=1),
        FTYP + MOOV + box(b"mdat", struct.pack(">Q", 15) + bytes(900), size=1),
        FTYP + MOOV + box(b"mdat", b"", size=1),
        FTYP + MOOV + box(b"mdat", bytes(100), size=7),
        FTYP + MOOV + (box(b"moof", bytes(50)) + MDAT) * 3 + MDAT[:-10],
        box(b"ftyp", b"isom\x00\x00\x02\x00", size=0) + MDAT + MOOV,
        box(b"ftyp", b"isom\x00\x00\x02\x00", size=8) + MDAT + MOOV,
        box(b"ftyp", b"isom\x00\x00\x02\x00", size=1 << 24) + MDAT + MOOV,
        box(b"ftyp", b"\x00\x01\x02\x03\x00\x00\x02\x00") + MDAT + MOOV,
    ],
)
def test_an_mp4_without_its_index_or_with_boxes_beyond_its_end_is_refused(data: bytes):
    assert refused(data)


def tagged(size: int, content: bytes, *, flags: int = 0) -> bytes:
    return b"ID3\x04\x00" + bytes((flags, *(size >> 7 * place & 0x7F for place in (3, 2, 1, 0)))) + content


@pytest.mark.parametrize(
    "data",
    [
        FRAME,
        FRAME * 3,
        FRAME * 3 + FRAME[:50],
        FRAME + b"TAG" + bytes(125),
        tagged(0, FRAME * 2),
        tagged(300, bytes(300) + FRAME * 2),
        tagged(300, bytes(300) + bytes(40) + FRAME * 2),
        tagged(300, bytes(300) + b"3DI\x04\x00\x10\x00\x00\x02\x2c" + FRAME * 2, flags=0x10),
        tagged(5, bytes(5) + tagged(6, bytes(6) + FRAME * 2)),
        b"\xff\xfb\x90\x64" + bytes(413) + b"\xff\xfb\x92\x64" + bytes(414),
    ],
)
def test_an_mp3_of_frames_is_proved(data: bytes):
    prove(data)
    prove(data, 5)


@pytest.mark.parametrize(
    "data",
    [
        FRAME[:215],
        FRAME + bytes(216),
        FRAME + b"\xff\xf3\x64\xc0" + bytes(212),  # a second frame with another sample rate
        tagged(300, bytes(300)),
        tagged(300, bytes(200)),
        tagged(300, bytes(300) + b"<html>" * 50),
        tagged(300, bytes(300 + 5000) + FRAME * 2),
        b"ID3\x04\x00\x00\x80\x00\x00\x00" + FRAME * 2,
        b"ID3",
        b"\xff\xfb\xf0\x64" + bytes(1000),  # a forbidden bitrate
        b"\xff\xfb\x9c\x64" + bytes(1000),  # a reserved sample rate
        b"\xff\xeb\x90\x64" + bytes(1000),  # a reserved version
        b"\xff\xf9\x90\x64" + bytes(1000),  # a reserved layer
    ],
)
def test_an_mp3_without_frames_is_refused(data: bytes):
    assert refused(data)


def test_a_resumed_copy_requests_unread_headers_only_until_the_file_is_proved():
    data = FTYP + MDAT + MOOV + MDAT * 3
    proof = Proof("mp4", len(data))
    proof.see(0, Payload.of(data[:20]))
    asked = []
    while (wanted := proof.missing(len(data))) is not None:
        asked.append(wanted.at)
        proof.take(data[wanted.at : wanted.end])
    assert asked == [8, 32, 32 + 1008]
