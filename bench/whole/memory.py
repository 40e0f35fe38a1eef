"""Row 5: a worker's peak memory above its idle memory, while it archives large chunks.

The worker archives one small chunk first, so that modules and connections that are loaded once don't count.
"""

from statistics import median

from bench.measurement import GIB, MIB
from bench.options import Options
from bench.programs import BenchError
from bench.report import Findings, Table, Target
from bench.whole.deployment import Deployment, deployed
from bench.whole.processes import forget_peak, memory, require_proc

_CASES = ((1, 2 * GIB, 100), (16, 256 * MIB, 400))  # concurrent chunks, bytes of each, allowed growth in MiB
_WARM_UP = 64 * 1024  # bytes


async def remembering(options: Options) -> Findings:
    require_proc()
    rows: list[tuple[str, ...]] = []
    targets = []
    for count, whole, bound in _CASES:
        size = min(whole, options.largest)
        found = []
        for number in range(options.rounds):
            async with deployed(options.place, workers=1) as deployment:
                await _copied(deployment, 1, _WARM_UP)
                (worker,) = deployment.where.pids.workers
                forget_peak(worker)
                idle = memory(worker, peak=False)
                await _copied(deployment, count, size)
                found.append((memory(worker, peak=True), idle))
            options.console.print(
                f"  {count} of {size // MIB} MiB, round {number + 1}: {_growth(found[-1])} MiB over idle"
            )
        grown = median(peak - idle for peak, idle in found) / MIB
        what = f"{count} {'chunk' if count == 1 else 'chunks at once'} of {size // MIB} MiB"
        at_rest = median(idle for _, idle in found) / MIB
        rows.append((what, f"{at_rest:.0f}", f"{grown:.0f}", f"{grown * MIB / (count * size):.3f}"))
        targets.append(
            Target(
                what=f"{what}, over idle", measured=f"{grown:.0f} MiB", wanted=f"under {bound} MiB", met=grown < bound
            )
        )
    columns = ("", "idle MiB", "peak over idle MiB", "share of the bytes")
    note = "The quickstart holds the whole file in memory, a share of 1 or more. See its peak in the copy tables."
    return Findings(
        title="Memory of one worker", tables=[Table(title="", columns=columns, rows=rows, note=note)], targets=targets
    )


async def _copied(deployment: Deployment, count: int, size: int) -> None:
    began = await deployment.deliver(await deployment.documents(count, size))
    if not began.keys() <= (await deployment.released()).keys():
        raise BenchError("not every chunk was released")


def _growth(one: tuple[int, int]) -> str:
    return f"{(one[0] - one[1]) / MIB:.0f}"
