"""host.json decides how much an instance takes on and what is seen of it: each of its settings has its reason."""

import json
import re
from collections.abc import Iterator
from typing import Any

from infra.package import CHECKOUT
from local.host.config import read_host_json
from shared.settings import Settings

HOST = json.loads((CHECKOUT / "host.json").read_text())
DESIGN = (CHECKOUT / "docs" / "design.md").read_text()
SECTION = DESIGN.partition("## host.json, setting by setting")[2].partition("\n## ")[0]
MEBIBYTE = 1024 * 1024


def leaves(part: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(part, dict):
        for name, one in part.items():
            yield from leaves(one, (*path, name))
    else:
        yield path, part


def test_each_setting_stands_in_the_docs_with_its_reason():
    rows = [line for line in SECTION.splitlines() if line.startswith("| `")]
    for path, _ in leaves({name: part for name, part in HOST.items() if name != "version"}):
        assert any(set(path) & set(re.findall(r"\w+", row.split("|")[1])) for row in rows), ".".join(path)


def test_nothing_is_set_that_the_host_ignores_beside_opentelemetry():
    assert HOST["telemetryMode"] == "OpenTelemetry"
    assert "applicationInsights" not in HOST["logging"]


def test_what_an_instance_takes_on_fits_its_memory():
    """At the defaults of the settings, each row of the table leaves most of an instance to all else."""
    fields = Settings.model_fields
    queues = read_host_json(CHECKOUT, {}).queues
    row = r"\| ([\d,]+) MB[^|]*\| (\d+), (\d+)(?:, with `BLOCK_SIZE_MIB` (\d+))? \| (\d+) \S (\d+) MiB"
    rows = re.findall(row, SECTION)
    assert [found[0] for found in rows] == ["512", "2,048", "4,096"]
    for memory, batch, threshold, block, jobs, each in rows:
        job = 2 * fields["ranges_in_flight"].default * int(block or fields["block_size_mib"].default)
        assert (int(jobs), int(each)) == (int(batch) + int(threshold), job)
        assert int(jobs) * job <= int(memory.replace(",", "")) * 0.4
    assert (queues.batch_size, queues.new_batch_threshold) == (int(rows[1][1]), int(rows[1][2]))
