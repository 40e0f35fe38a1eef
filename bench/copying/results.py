"""The tables and targets of row 1."""

from bench.measurement import GIB, MIB, Measurement
from bench.report import Table, Target

NAMES = {
    "ours": "Callvault, CRC64",
    "ours-md5": "Callvault, MD5",
    "quickstart": "quickstart: all in memory",
    "plain": "SDKs, one stream",
    "rclone": "rclone copyurl",
    "limit": "limit: curl to curl",
    "digests": "the digests alone, CRC64",
    "digests-md5": "the digests alone, MD5",
}
MD5 = "-md5"  # the end of a contestant's name if it uses MD5
_SHARE_OF_LIMIT = 0.70
_STALL_MS = 50


def human(size: int) -> str:
    return f"{size // GIB} GiB" if size % GIB == 0 else f"{size // MIB} MiB"


def table(title: str, found: dict[str, Measurement], size: int) -> Table:
    ours = found.get("ours")
    rows: list[tuple[str, ...]] = []
    for name, one in found.items():
        against = f"{one.wall / ours.wall:.2f}" if ours and not name.startswith("digests") else ""
        rows.append(
            (
                NAMES[name],
                f"{one.wall:.2f}",
                f"{size / MIB / one.wall:.0f}",
                against,
                f"{one.cpu * GIB / size:.2f}",
                f"{one.cpu / ours.cpu:.2f}" if ours else "",
                f"{one.peak / MIB:.0f}",
                f"{(one.peak - one.idle) / MIB:.0f}" if one.idle else "",
                f"{one.more['stall'] * 1000:.0f}" if "stall" in one.more else "",
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
        ),
        rows=rows,
    )


def targets_of(size: int, stored: dict[str, Measurement], discarded: dict[str, Measurement]) -> list[Target]:
    targets = []
    of = human(size)
    for kind in ("", MD5):
        ours, rclone, digests = (stored.get(name) for name in (f"ours{kind}", "rclone", f"digests{kind}"))
        if ours and rclone:
            what = f"{of} into Azurite, {'MD5' if kind else 'CRC64'}"
            targets.append(_at_most(f"{what}: wall time over rclone's", ours.wall / rclone.wall, 1.0))
            if digests:
                budget = rclone.cpu + digests.cpu
                targets.append(_at_most(f"{what}: CPU over rclone's and the digests'", ours.cpu / budget, 1.0))
    if {"ours", "limit"} <= discarded.keys():
        share = discarded["limit"].wall / discarded["ours"].wall
        what = f"{of} into nothing, share of the limit's throughput"
        targets.append(
            Target(
                what=what,
                measured=f"{share:.2f}",
                wanted=f"at least {_SHARE_OF_LIMIT:.2f}",
                met=share >= _SHARE_OF_LIMIT,
            )
        )
    for sink, found in (("Azurite", stored), ("nothing", discarded)):
        if "ours" in found:
            stall = found["ours"].more["stall"] * 1000
            what = f"{of} into {sink}, worst stall of the event loop"
            targets.append(
                Target(what=what, measured=f"{stall:.0f} ms", wanted=f"below {_STALL_MS} ms", met=stall < _STALL_MS)
            )
    return targets


def _at_most(what: str, measured: float, bound: float) -> Target:
    return Target(what=what, measured=f"{measured:.2f}", wanted=f"at most {bound:.2f}", met=measured <= bound)
