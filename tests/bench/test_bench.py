"""The bench's calculations. Wrong results would look as convincing as correct ones. Nothing is timed here."""

import asyncio
import os
from dataclasses import replace
from pathlib import Path

import pytest

from bench.copying.concurrent import each_range
from bench.copying.job import CopyJob
from bench.copying.results import of_nothing, table
from bench.load import Load
from bench.measurement import Measurement, Window
from bench.programs import BenchError, require
from bench.report import Findings, Table, Target, write
from bench.rounds import turns
from bench.startup import _library_imports
from bench.whole.operations import operations
from shared.domain.files.checksums import ChecksumKind

MIB = 1024 * 1024


def measured(wall: float, **more: float) -> Measurement:
    return Measurement(wall=wall, cpu=wall / 2, peak=int(wall * 10), idle=0, more=more)


def test_contestants_take_turns_in_alternating_order():
    order = [(number, name) for number, name in turns("abc", 3)]
    assert "".join(name for _, name in order) == "abccbaabc"
    assert [number for number, _ in order] == [0, 0, 0, 1, 1, 1, 2, 2, 2]


def test_each_figure_is_a_median():
    typical = Measurement.typical([measured(1, stall=9), measured(5, stall=1), measured(3, stall=2)])
    assert (typical.wall, typical.cpu, typical.peak, typical.more) == (3, 1.5, 30, {"stall": 2})


def test_a_measurement_survives_json():
    one = measured(1.25, stall=0.5)
    assert Measurement.from_json(one.as_json()) == one


def test_excluded_seconds_are_subtracted_from_time_and_cpu():
    window = Window()
    with window.open():
        sum(range(10_000))
    before = window.measurement
    window.leave_out(wall=0.25, cpu=0.125)
    after = window.measurement
    assert (before.wall - after.wall, before.cpu - after.cpu) == pytest.approx((0.25, 0.125))


def test_a_contestant_that_never_worked_has_no_measurement():
    with pytest.raises(RuntimeError, match="never opened"):
        _ = Window().measurement


def test_blocks_cover_a_file_once_and_to_its_last_byte():
    job = a_job()
    assert CopyJob.from_json(job.as_json()) == job
    assert job.blob_url == "http://127.0.0.1:2/account/bench/ours.wav"
    assert [last - first + 1 for first, last in job.ranges] == [8 * MIB, 8 * MIB, 4 * MIB + 1]
    assert [first for first, _ in job.ranges[1:]] == [last + 1 for _, last in job.ranges[:-1]]


def a_job() -> CopyJob:
    return CopyJob(
        url="https://storage.asm.skype.com/1.wav",
        address="127.0.0.1:1",
        ca="ca.pem",
        size=20 * MIB + 1,
        storage="DefaultEndpointsProtocol=http;BlobEndpoint=http://127.0.0.1:2/account;",
        container="bench",
        blob="ours.wav",
        sas="",
        block_size=8 * MIB,
        in_flight=4,
        checksum=ChecksumKind.CRC64,
        keeps=True,
    )


async def test_the_parts_work_on_each_range_once_and_on_no_more_at_once_than_the_copy():
    job, seen, running, most = replace(a_job(), size=80 * MIB), list[tuple[int, int]](), 0, 0

    async def work(first: int, last: int) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        seen.append((first, last))

    await each_range(job, work)
    assert sorted(seen) == job.ranges
    assert most == job.in_flight


def test_the_copy_is_compared_with_the_sum_of_its_parts():
    parts = {name: measured(wall, before=0.0, during=0.0) for name, wall in (("download", 1), ("digests", 2))}
    found = {"ours": measured(6, before=0.0, during=0.0, stall=0.01), **parts, "upload": measured(3, before=0.0)}
    (target,) = [one for one in of_nothing(MIB, "nothing", found) if "parts" in one.what]
    assert (target.measured, target.verdict) == ("1.00", "met")
    found["ours"] = measured(8, before=0.0, during=0.0, stall=0.01)
    (target,) = [one for one in of_nothing(MIB, "nothing", found) if "parts" in one.what]
    assert (target.measured, target.verdict) == ("1.33", "missed")


def test_a_row_from_a_busy_machine_is_marked_and_is_no_verdict():
    found = {
        "ours": measured(1, before=0.0, during=0.2, stall=0.01),
        "limit": measured(1, before=0.01, during=0.02),
    }
    ours, limit = table("", found, MIB).rows
    assert (ours[-1], limit[-1]) == ("0%, 20%, busy", "1%, 2%")
    assert {one.verdict for one in of_nothing(MIB, "nothing", found)} == {"busy machine"}


def test_the_load_of_others_leaves_out_the_bench_and_its_servers():
    before = Load(at=10.0, used=100.0, own=50.0)
    cores = os.cpu_count() or 1
    assert Load(at=12.0, used=104.0, own=53.0).others_since(before) == pytest.approx(1 / (2 * cores))
    assert Load(at=12.0, used=104.0, own=55.0).others_since(before) == 0


def test_operations_are_counted_by_kind(tmp_path: Path):
    log = tmp_path / "azurite.log"
    asked = [
        "PUT /devstoreaccount1/recordings/2026/11/21/x.wav?comp=block&blockid=MDA%3D",
        "PUT /devstoreaccount1/recordings/2026/11/21/x.wav?comp=blocklist",
        "PUT /devstoreaccount1/recordings/2026/11/21/x.metadata.json",
        "POST /devstoreaccount1/$batch",
        "GET /devstoreaccount1/recordings(PartitionKey=%27a%27,RowKey=%27b%27)",
        "GET /devstoreaccount1/worklist()?$select=RowKey",
        "PUT /devstoreaccount1/worklist(PartitionKey=%27a%27,RowKey=%27b%27)",
        "GET /devstoreaccount1/recording-chunks/messages?numofmessages=16",
        "DELETE /devstoreaccount1/recording-chunks/messages/1?popreceipt=x",
    ]
    earlier = "Azurite Table service is successfully listening at http://127.0.0.1:1"
    lines = [f'127.0.0.1 - - [21/Nov/2026:10:00:00 +0000] "{one} HTTP/1.1" 200 -' for one in asked]
    log.write_text("\n".join([earlier, lines[0], *lines]))
    assert operations(log, after=2) == {
        "PUT block": 1,
        "PUT block list": 1,
        "PUT blob": 1,
        "POST transaction": 1,
        "GET recordings": 1,
        "PUT worklist": 1,
        "GET message": 1,
        "DELETE message": 1,
    }


def test_the_start_up_row_uses_the_libraries_that_the_product_imports():
    found = _library_imports(["function_app", "shared.gateways.blobs.archive"]).splitlines()
    assert "import azure.functions as func" in found
    assert "from azure.storage.blob.aio import BlobServiceClient" in found
    assert not any("shared" in line or line in ("import asyncio", "import re") for line in found)


def test_a_missing_program_is_reported_with_the_install_commands(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("bench.programs.program", lambda name: None if name == "nginx" else f"/usr/bin/{name}")
    with pytest.raises(BenchError, match=r"needs nginx\. To install:(.|\n)*apt-get install nginx-light"):
        require("nginx", "curl")


def test_results_have_the_machine_and_missed_targets(tmp_path: Path):
    path = tmp_path / "results.md"
    found = Findings(
        title="Copy",
        tables=[Table(title="256 MiB", columns=("", "wall s"), rows=[("ours", "1.00"), ("rclone", "0.90")])],
        targets=[Target(what="wall time over rclone's", measured="1.11", wanted="at most 1.00", met=False)],
    )
    write(path, ["two cores"], [found], rounds=5)
    text = path.read_text()
    assert "- two cores\n" in text
    assert "| ours | 1.00 |\n| rclone | 0.90 |\n" in text
    assert "| wall time over rclone's | 1.11 | at most 1.00 | **missed** |" in text


def test_results_replace_only_older_ones_of_the_same_title(tmp_path: Path):
    path = tmp_path / "results.md"

    def found(title: str, cell: str) -> Findings:
        return Findings(title=title, tables=[Table(title="", columns=("", "s"), rows=[("ours", cell)])])

    write(path, ["old machine"], [found("Copy", "1.00"), found("Memory", "2.00")], rounds=5)
    write(path, ["new machine"], [found("Copy", "3.00"), found("Growth", "4.00")], rounds=7)
    text = path.read_text()
    assert [line for line in text.splitlines() if line.startswith("## ")] == ["## Copy", "## Memory", "## Growth"]
    assert "| ours | 3.00 |" in text
    assert "| ours | 2.00 |" in text
    assert "1.00" not in text
    assert "old machine" not in text
    assert (text.count("7 rounds"), text.count("5 rounds")) == (2, 1)
