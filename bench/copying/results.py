"""The tables and targets of row 1."""

from bench.load import is_busy
from bench.measurement import GIB, MIB, Measurement
from bench.report import Table, Target

NAMES = {
    "ours": "Callvault, CRC64",
    "ours-md5": "Callvault, MD5",
    "quickstart": "quickstart: all in memory",
    "plain": "SDKs, one stream",
    "rclone": "rclone copyurl",
    "limit": "limit: curl to curl",
    "download": "the download alone",
    "digests": "the digests alone, CRC64",
    "digests-md5": "the digests alone, MD5",
    "upload": "the upload alone",
}
PARTS = ("download", "digests", "upload")
MD5 = "-md5"  # the end of a contestant's name if it uses MD5
_OVER_RCLONE, _OVER_PARTS, _SHARE_OF_LIMIT = 1.05, 1.2, 0.9
_STALL_MS = 50


def human(size: int) -> str:
    return f"{size // GIB} GiB" if size % GIB == 0 else f"{size // MIB} MiB"


def table(title: str, found: dict[str, Measurement], size: int) -> Table:
    ours = found.get("ours")
    rows: list[tuple[str, ...]] = []
    for name, one in found.items():
        is_part = name.removesuffix(MD5) in PARTS
        rows.append(
            (
                NAMES[name],
                f"{one.wall:.2f}",
                f"{size / MIB / one.wall:.0f}",
                f"{one.wall / ours.wall:.2f}" if ours and not is_part else "",
                f"{one.cpu * GIB / size:.2f}",
                f"{one.cpu / ours.cpu:.2f}" if ours else "",
                f"{one.peak / MIB:.0f}",
                f"{(one.peak - one.idle) / MIB:.0f}" if one.idle else "",
                f"{one.more['stall'] * 1000:.0f}" if "stall" in one.more else "",
                f"{one.more['before']:.0%}, {one.more['during']:.0%}{', busy' if is_busy(one) else ''}",
            )
        )
    return Table(
        title=title,
        columns=(
            "",
            "wall s",
            "MiB/s",
            "wall / ours",
            "CPU s per GiB",
            "CPU / ours",
            "peak MiB",
            "over idle",
            "worst stall ms",
            "others before, during",
        ),
        rows=rows,
    )


def of_azurite(size: int, stored: dict[str, Measurement]) -> list[Target]:
    """The targets of copies into Azurite."""
    what = f"{human(size)} into Azurite"
    targets = _stall(what, stored)
    if {"ours", "rclone"} <= stored.keys():
        ours, rclone = stored["ours"], stored["rclone"]
        targets.append(
            _at_most(f"{what}: wall time over rclone's", ours.wall / rclone.wall, _OVER_RCLONE, ours, rclone)
        )
    return targets


def of_nothing(size: int, title: str, found: dict[str, Measurement]) -> list[Target]:
    """The targets of copies into a sink that keeps nothing."""
    what = f"{human(size)} into {title}"
    targets = _stall(what, found)
    if {"ours", *PARTS} <= found.keys():
        ours, parts = found["ours"], [found[name] for name in PARTS]
        share = ours.cpu / sum(part.cpu for part in parts)
        targets.append(_at_most(f"{what}: CPU over the sum of its parts", share, _OVER_PARTS, ours, *parts))
    if {"ours", "limit"} <= found.keys():
        share = found["limit"].wall / found["ours"].wall
        targets.append(
            Target(
                what=f"{what}: share of the limit's throughput",
                measured=f"{share:.2f}",
                wanted=f"at least {_SHARE_OF_LIMIT:.2f}",
                met=share >= _SHARE_OF_LIMIT,
                busy=is_busy(found["ours"], found["limit"]),
            )
        )
    return targets


def _stall(what: str, found: dict[str, Measurement]) -> list[Target]:
    if "ours" not in found:
        return []
    stall = found["ours"].more["stall"] * 1000
    return [
        Target(
            what=f"{what}: worst stall of the event loop",
            measured=f"{stall:.0f} ms",
            wanted=f"below {_STALL_MS} ms",
            met=stall < _STALL_MS,
            busy=is_busy(found["ours"]),
        )
    ]


def _at_most(what: str, measured: float, bound: float, *of: Measurement) -> Target:
    return Target(
        what=what, measured=f"{measured:.2f}", wanted=f"at most {bound:.2f}", met=measured <= bound, busy=is_busy(*of)
    )
