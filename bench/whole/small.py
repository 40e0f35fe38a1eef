"""Row 2: a burst of small chunks through the whole stack, from event to released, with one, two and four workers.

For comparison, a plain script does the same steps in sequence on its own stack. All events arrive at the same time, and
latency counts from that time for both.
"""

import asyncio
import json
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median, quantiles
from typing import Any

from bench.options import Options
from bench.programs import BenchError
from bench.report import Findings, Table, Target
from bench.rounds import turns
from bench.whole.deployment import Deployment, deployed
from bench.whole.operations import lines, operations
from bench.whole.processes import cpu, idle, idle_share_since, require_proc
from local.processes.child_processes import clean_environment
from local.stack.options import CHECKOUT

_SIZE = 64 * 1024  # bytes
_WORKERS = (1, 2, 4)
_SCRIPT = "a plain script"
_COUNTED = 100  # chunks for the count of storage operations, in an untimed run
_WARM_UP = 16  # chunks
_BUSY = 0.85  # of one core: the most that Azurite's thread gets beside other processes


@dataclass(frozen=True, kw_only=True)
class Burst:
    """The latencies and CPU times of a burst in seconds."""

    latencies: list[float]
    workers: float  # of the workers, or of the script
    azurite: float
    others: float  # of the host and the simulator
    machine: float  # busy share of all cores

    @property
    def rate(self) -> float:
        return len(self.latencies) / max(self.latencies)

    def figures(self) -> tuple[float, ...]:
        percentiles = quantiles(self.latencies, n=100, method="inclusive")
        each = (1000 * used / len(self.latencies) for used in (self.workers, self.azurite, self.others))
        busy = 100 * self.azurite / max(self.latencies), 100 * self.machine
        return (self.rate, percentiles[49], percentiles[98], *each, *busy)


async def small_chunks(options: Options) -> Findings:
    require_proc()
    contestants = [_name(workers) for workers in _WORKERS] + [_SCRIPT]
    found: dict[str, list[Burst]] = {name: [] for name in contestants}
    for number, name in turns(contestants, options.rounds):
        workers = next((count for count in _WORKERS if _name(count) == name), 1)
        async with deployed(options.place, workers=workers) as deployment:
            await _warm_up(deployment)
            events = await deployment.documents(options.chunks, _SIZE)
            burst = await (_script(deployment, events) if name == _SCRIPT else _ours(deployment, events))
        found[name].append(burst)
        options.console.print(f"  round {number + 1}: {name} {burst.rate:.1f} chunks/s")
    figures = {
        name: [median(one) for one in zip(*(burst.figures() for burst in found[name]), strict=True)] for name in found
    }
    counted = await _operations(options)
    rates = {name: figures[name][0] for name in figures}
    rows: list[tuple[str, ...]] = [
        (
            name,
            f"{rates[name]:.1f}",
            f"{rates[name] / rates[_SCRIPT]:.2f}",
            *(f"{one:.1f}" for one in figures[name][1:]),
        )
        for name in contestants
    ]
    columns = (
        "",
        "chunks/s",
        "over script",
        "p50 s",
        "p99 s",
        "workers",
        "Azurite",
        "host, ACS",
        "Azurite busy %",
        "machine %",
    )
    note = "The columns workers, Azurite, and host, ACS are CPU milliseconds per chunk."
    each: list[tuple[str, ...]] = [(kind, f"{times / _COUNTED:.2f}") for kind, times in counted.most_common()]
    each.append(("all", f"{counted.total() / _COUNTED:.2f}"))
    return Findings(
        title="Small chunks, from event to released",
        tables=[
            Table(title=f"{options.chunks} of 64 KiB", columns=columns, rows=rows, note=note),
            Table(title="Storage operations per chunk", columns=("", "each chunk"), rows=each),
        ],
        targets=_targets(figures),
    )


def _targets(figures: dict[str, list[float]]) -> list[Target]:
    one, two, four = (figures[_name(workers)] for workers in _WORKERS)
    against, growth = one[0] / figures[_SCRIPT][0], max(two[0], four[0]) / one[0]
    azurite, machine = max((figure[6], figure[7]) for figure in (one, two, four))
    limited = growth > 1 or azurite >= 100 * _BUSY
    return [
        Target(
            what="one worker over the plain script",
            measured=f"{against:.2f}",
            wanted="at least 1.00",
            met=against >= 1,
        ),
        Target(
            what="more workers over one",
            measured=f"{growth:.2f}, Azurite's thread busy {azurite:.0f} %, the machine {machine:.0f} %",
            wanted="more, until Azurite is the limit",
            met=limited,
        ),
    ]


async def _ours(deployment: Deployment, events: list[dict[str, Any]]) -> Burst:
    usage = _Usage(deployment)
    began = datetime.now(UTC)
    keys = (await deployment.deliver(events)).keys()
    released = await deployment.released()
    if not keys <= released.keys():
        raise BenchError("not every chunk was released")
    return usage.of([(released[key] - began).total_seconds() for key in keys])


async def _script(deployment: Deployment, events: list[dict[str, Any]]) -> Burst:
    where = deployment.where
    job = {"storage": where.storage_connection_string, "acs": where.acs_connection_string, "events": events}
    job |= {"address": where.acs_tls, "ca": where.acs_ca}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.whole.sequential"),
        cwd=CHECKOUT,
        env=clean_environment(),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    usage = _Usage(deployment)
    try:
        answer, _ = await process.communicate(json.dumps(job).encode())
    except asyncio.CancelledError:
        process.kill()
        await process.wait()
        raise
    if process.returncode:
        raise BenchError(f"the plain script ended with exit code {process.returncode}")
    found = json.loads(answer)
    return usage.of(found["ended"], script=found["cpu"])


async def _warm_up(deployment: Deployment) -> None:
    await deployment.deliver(await deployment.documents(_WARM_UP, _SIZE))
    await deployment.released()


async def _operations(options: Options) -> Any:
    """Counts storage operations. Their number per chunk doesn't depend on the load."""
    async with deployed(options.place, workers=1, storage_log=True) as deployment:
        await _warm_up(deployment)
        events = await deployment.documents(_COUNTED, _SIZE)
        log = deployment.where.logs / "azurite.log"
        before = lines(log)
        await deployment.deliver(events)
        await deployment.released()
        return operations(log, after=before)


class _Usage:
    """The CPU time of the stack's processes since the object was created."""

    def __init__(self, deployment: Deployment) -> None:
        self._pids = deployment.where.pids
        self._idle = idle()
        self._before = self._now()

    def _now(self) -> tuple[float, float, float]:
        pids = self._pids
        return cpu(pids.azurite), sum(map(cpu, pids.workers)), cpu(pids.host) + cpu(pids.acs)

    def of(self, latencies: list[float], *, script: float | None = None) -> Burst:
        azurite, workers, others = (now - then for now, then in zip(self._now(), self._before, strict=True))
        machine = 1 - idle_share_since(self._idle)
        used = workers if script is None else script
        return Burst(latencies=latencies, azurite=azurite, workers=used, others=others, machine=machine)


def _name(workers: int) -> str:
    return f"Callvault, {workers} {'worker' if workers == 1 else 'workers'}"
