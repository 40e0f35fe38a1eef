"""Proves that a media file is complete and has its format, by following its structure from start to end.

A walk is a generator for one format. It requests the bytes that it needs, in order of their offsets. It raises
SourceUnproven if they aren't of its format, or if a length in them exceeds the file. The copy passes each block through
the walk, so a proof needs no request. Only a resumed copy requests a few more bytes from the source: headers that are
in blocks which it doesn't read again.

A proof says nothing about sound and picture. It rejects the results of real failures: an error page, a truncated file,
an mp4 whose index was never written, a damaged header.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass

from shared.domain.files.payload import Payload
from shared.errors import SourceUnproven

_UNKNOWN = {0, 0xFFFFFFFF}  # placeholders of writers that don't know the size
_UNKNOWN_LONG = {0, 0xFFFFFFFFFFFFFFFF}
_BOX_HEADER = 8
_SHORTEST_FTYP, _LONGEST_FTYP = 16, 4096  # bytes; real ones have 20 to 40
_PRINTABLE = range(0x20, 0x7F)
_LAYER_3 = 0b01
_MPEG_1, _MPEG_RESERVED = 0b11, 0b01
_BITRATES = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)  # kbit/s, of MPEG-1 layer III
_LOW_BITRATES = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)  # of MPEG-2 and 2.5
_SAMPLE_RATES = (44_100, 48_000, 32_000)  # of MPEG-1; half of it in MPEG-2, a quarter in MPEG-2.5
_TAGS_AT_END = (b"TAG", b"APE")
_FRAME_HEADER = 4
_TAG_HEADER, _HAS_FOOTER = 10, 0x10
_ZEROS = 4096  # most bytes of padding between an ID3 tag and the first frame


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """The bytes that a walk needs next. `vital`: the proof is impossible without them, so they are worth a request."""

    at: int
    length: int
    vital: bool = True

    @property
    def end(self) -> int:
        return self.at + self.length


type _Walk = Generator[Wanted, bytes]


class Proof:
    """The walk through one file of `total` bytes. All methods raise SourceUnproven."""

    def __init__(self, media_format: str, total: int) -> None:
        self._total = total
        self._walk = _WALKS[media_format](total)
        self._wanted: Wanted | None = next(self._walk)
        self._held = b""  # the bytes read so far, from the first wanted byte

    def see(self, start: int, data: Payload) -> None:
        """Passes a block to the walk. Blocks must come in order; call `missing` before each gap between them."""
        while (wanted := self._wanted) is not None:
            begin = wanted.at + len(self._held)
            if begin >= start + data.size:
                return
            self._held += data.part(begin - start, wanted.end - begin)
            self._follow()
            if self._wanted == wanted:
                return

    def missing(self, end: int) -> Wanted | None:
        """The bytes before `end` that the walk needs although they aren't copied again. Pass them to `take`."""
        if self._wanted is None or self._wanted.at + len(self._held) >= end:
            return None
        if not self._wanted.vital:
            self._wanted = None  # end the walk: the rest isn't needed for the proof
        return self._wanted

    def take(self, data: bytes) -> None:
        """Passes the bytes that `missing` returned."""
        self._held = data
        self._follow()

    def _follow(self) -> None:
        """Continues the walk as far as the bytes in `_held` suffice. Requested ranges may overlap."""
        while (wanted := self._wanted) is not None and len(self._held) >= wanted.length:
            try:
                following = self._walk.send(self._held[: wanted.length])
            except StopIteration:
                self._wanted = None
                return
            if following.end > self._total:
                raise SourceUnproven("the file ends in the middle of a header")
            self._held = self._held[following.at - wanted.at :]
            self._wanted = following


def sniff(head: bytes) -> str:
    """The format of a file by its first bytes. Raises SourceUnproven for anything else, such as an error page."""
    if head[:4] in (b"RIFF", b"RF64") and head[8:12] == b"WAVE":
        return "wav"
    if head[4:8] == b"ftyp":
        return "mp4"
    if head[:3] == b"ID3" or _frame_length(head[:_FRAME_HEADER]) is not None:
        return "mp3"
    raise SourceUnproven("the file doesn't start like wav, mp3 or mp4")


def _wav(total: int) -> _Walk:
    """Walks to the `data` chunk. This chunk, and the size in the file's header, must not exceed the file.

    A size of 0 or of all ones means unknown. Streaming writers don't know the size, and 32 bits can't hold 4 GiB.
    """
    head = yield Wanted(at=0, length=12)
    is_long = head[:4] == b"RF64"
    whole = _little(head[4:8])
    claimed = 8 + whole if whole not in _UNKNOWN else 0
    long_data: int | None = None
    has_format = False
    at = 12
    while True:
        header = yield Wanted(at=at, length=8)
        name, size = header[:4], _little(header[4:])
        if not _is_printable(name):
            raise SourceUnproven("the wav has no chunk where one must begin")
        at += 8
        if name == b"data":
            break
        _must_fit(at + size, total, "a chunk of the wav")
        has_format |= name == b"fmt "
        if name == b"ds64" and is_long:
            sizes = yield Wanted(at=at, length=16)
            whole, long_data = _little(sizes[:8]), _little(sizes[8:])
            claimed = max(claimed, 8 + whole if whole not in _UNKNOWN_LONG else 0)
        at += size + size % 2
    if not has_format or (is_long and long_data is None):
        raise SourceUnproven("the wav doesn't describe its data: `fmt ` or `ds64` is missing")
    known = size not in _UNKNOWN
    if is_long and size == max(_UNKNOWN) and long_data is not None:
        size, known = long_data, long_data not in _UNKNOWN_LONG
    if known:
        _must_fit(at + size, total, "the data of the wav")
        if size % 2 and at + size == total:
            claimed -= 1  # the padding byte after data of odd length may be missing
    _must_fit(claimed, total, "the header of the wav")


def _mp4(total: int) -> _Walk:
    """No top-level box may exceed the file, and one of them must be the index (`moov`)."""
    at = yield from _ftyp(total)
    indexed = False
    while total - at >= _BOX_HEADER:  # fewer bytes are padding
        header = yield Wanted(at=at, length=min(2 * _BOX_HEADER, total - at), vital=not indexed)
        size, name, began = int.from_bytes(header[:4]), header[4:_BOX_HEADER], _BOX_HEADER
        if indexed and not any((size, *name)):
            return  # also padding
        if size == 1:
            long_size = yield Wanted(at=at + began, length=8, vital=not indexed)
            size, began = int.from_bytes(long_size), began + 8
        elif size == 0:
            size = total - at  # up to the end of the file
        if size < began or not _is_printable(name):
            raise SourceUnproven("the mp4 has no box where one must begin")
        _must_fit(at + size, total, "a box of the mp4")
        if name == b"moov":
            inner = yield Wanted(at=at + began, length=_BOX_HEADER, vital=not indexed)
            indexed |= _BOX_HEADER <= int.from_bytes(inner[:4]) <= size - began and _is_printable(inner[4:])
        at += size
    if not indexed:
        raise SourceUnproven("the mp4 has no index (moov), so it can't be played")


def _ftyp(total: int) -> Generator[Wanted, bytes, int]:
    """The end of the first box. It is short and lists brands of four characters, so a damaged size is detected."""
    start = yield Wanted(at=0, length=_BOX_HEADER)
    end = int.from_bytes(start[:4])
    if not _SHORTEST_FTYP <= end <= min(_LONGEST_FTYP, total) or end % 4:
        raise SourceUnproven("the mp4's first box has an impossible size")
    content = yield Wanted(at=_BOX_HEADER, length=end - _BOX_HEADER)
    others = [content[at : at + 4] for at in range(8, len(content), 4)]
    if not _is_printable(content[:4]) or not all(_is_printable(brand) or not any(brand) for brand in others):
        raise SourceUnproven("the mp4's first box lists no brands")
    return end


def _mp3(total: int) -> _Walk:
    """After all ID3 tags there must be two frames in a row, or one frame and the end of the file."""
    at = 0
    while (yield Wanted(at=at, length=3)) == b"ID3":
        tag = yield Wanted(at=at, length=_TAG_HEADER)
        if any(byte & 0x80 for byte in tag[6:]):
            raise SourceUnproven("the mp3's tag has an impossible size")
        size = sum(byte << 7 * place for place, byte in enumerate(reversed(tag[6:])))
        at += _TAG_HEADER + size + (_TAG_HEADER if tag[5] & _HAS_FOOTER else 0)
    if at:
        padding = yield Wanted(at=at, length=min(_ZEROS, total - at))
        at += len(padding) - len(padding.lstrip(b"\0"))
    first = yield Wanted(at=at, length=_FRAME_HEADER)
    length = _frame_length(first)
    if length is None:
        raise SourceUnproven("the mp3 has no frame where one must begin")
    at += length
    _must_fit(at, total, "the first frame of the mp3")
    if total - at >= _FRAME_HEADER:
        second = yield Wanted(at=at, length=_FRAME_HEADER)
        if second[:3] not in _TAGS_AT_END and (_frame_length(second) is None or not _are_alike(first, second)):
            raise SourceUnproven("the mp3's first frame isn't followed by another")


_WALKS: dict[str, Callable[[int], _Walk]] = {"wav": _wav, "mp4": _mp4, "mp3": _mp3}


def _frame_length(header: bytes) -> int | None:
    """The length in bytes of an MPEG audio frame of layer III. None if this isn't the header of such a frame.

    ACS writes layer III. Other layers are refused: the byte order mark of UTF-16 text looks like a layer I frame.
    """
    bits = int.from_bytes(header)
    version, layer = bits >> 19 & 3, bits >> 17 & 3
    bitrate, rate = bits >> 12 & 15, bits >> 10 & 3
    if len(header) < _FRAME_HEADER or bits >> 21 != 0x7FF or version == _MPEG_RESERVED or layer != _LAYER_3:  # noqa: PLR2004
        return None
    if not 0 < bitrate < len(_BITRATES) or rate >= len(_SAMPLE_RATES):
        return None
    if version == _MPEG_1:
        return 144_000 * _BITRATES[bitrate] // _SAMPLE_RATES[rate] + (bits >> 9 & 1)
    divisor = 2 if version else 4
    return 72_000 * _LOW_BITRATES[bitrate] // (_SAMPLE_RATES[rate] // divisor) + (bits >> 9 & 1)


def _are_alike(one: bytes, other: bytes) -> bool:
    """Whether two frames have the same version, layer and sample rate."""
    alike = 0xFFFE0C00
    return int.from_bytes(one) & alike == int.from_bytes(other) & alike


def _must_fit(end: int, total: int, what: str) -> None:
    if end > total:
        raise SourceUnproven(f"according to {what}, the file has at least {end} bytes, but it has {total}")


def _little(data: bytes) -> int:
    return int.from_bytes(data, "little")


def _is_printable(name: bytes) -> bool:
    return all(byte in _PRINTABLE for byte in name)
