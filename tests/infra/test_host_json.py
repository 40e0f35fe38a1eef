"""host.json decides an instance's concurrency and telemetry: each of its settings has a documented reason."""

import json
import re
from collections.abc import Iterator
from typing import Any

from infra.package import CHECKOUT
from local.host.configuration.config import read_host_json
from shared.settings.settings import Settings
from tests.infra.product import app_settings
from tests.infra.templates import Templates

HOST = json.loads((CHECKOUT / "host.json").read_text())
DESIGN = (CHECKOUT / "docs" / "design.md").read_text()
SECTION = DESIGN.partition("## host.json, setting by setting")[2].partition("\n## ")[0]
# The scenario that has instances of this size.
SCENARIO = {"512": "small", "2,048": "default", "4,096": "large"}
BY_SIZE = (
    "AzureFunctionsJobHost__extensions__queues__batchSize",
    "AzureFunctionsJobHost__extensions__queues__newBatchThreshold",
    "BLOCK_SIZE_MIB",
    "MEMORY_BUDGET_MIB",
)


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


def test_the_exporter_gets_no_debug_rows_of_the_host():
    """`logging.logLevel` doesn't apply to it. With these, an idle host sends 5 MB a day instead of 258."""
    levels = HOST["logging"]["OpenTelemetry"]["logLevel"]
    listener = "Microsoft.Azure.WebJobs.Extensions.Storage.Common.Listeners.QueueListener"
    assert levels == {
        **dict.fromkeys(("Azure.Core", "Azure.Storage", listener), "Warning"),
        "Microsoft.Azure.WebJobs.Script": "Information",
    }
    assert "default" not in levels, "the app's own lines come through the host at Information"


def test_no_answer_of_the_host_is_cached_sniffed_or_asked_for_without_tls():
    config = read_host_json(CHECKOUT, {})
    assert config.custom_headers == {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
    assert config.strict_transport == "max-age=31536000"


def test_what_an_instance_takes_on_stands_in_the_docs_as_the_templates_set_it():
    rows = re.findall(r"\| ([\d,]+) MB[^|]*\| (\d+), (\d+) \| (\d+) \| (\d+) \|", SECTION)
    assert [found[0] for found in rows] == ["512", "2,048", "4,096"]
    for memory, *documented in rows:
        given = app_settings(Templates(), SCENARIO[memory])
        assert documented == [given[name] for name in BY_SIZE]
    queues, fields = read_host_json(CHECKOUT, {}).queues, Settings.model_fields
    proposed = (fields[name].default for name in ("block_size_mib", "memory_budget_mib"))
    assert rows[1][1:] == tuple(map(str, (queues.batch_size, queues.new_batch_threshold, *proposed)))
