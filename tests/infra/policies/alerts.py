"""Alerts and the workbook use the code's log lines and metrics, and every error log line has an alert."""

import json
import re
from collections.abc import Iterator

from infra.bicep.compiler import DEPLOYMENT
from tests.infra.policies.events import TOPIC
from tests.infra.product import functions
from tests.infra.said import log_lines, metric_names, rendered
from tests.infra.templates import Templates, made, only

LOG_RULE = "Microsoft.Insights/scheduledQueryRules"
METRIC_RULE = "Microsoft.Insights/metricAlerts"
GROUP = "Microsoft.Insights/actionGroups"
PAGER = f"/subscriptions/{DEPLOYMENT['subscriptionId']}/resourceGroups/ops/providers/{GROUP}/pager"
WORKBOOK = "Microsoft.Insights/workbooks"

_TEXT = re.compile(r'Message startswith "([^"{]+) \{"')
_PART = re.compile(r'Message startswith "([^"{]+) \{" and Message has \'("[^\']+")\'')
_FIELD = re.compile(r"\bline\.(\w+)")
_NAME = re.compile(r'Name == "([^"]+)"')
_TABLES = {"AppTraces", "AppRequests", "AppMetrics"}

# Error lines without an alert of their own: the host reports their request as failed, and that has an alert, or their
# chunk later reaches an end that has one.
COVERED_OTHERWISE = {"request failed", "attempt failed unexpectedly"}


def every_promised_alert_exists(templates: Templates) -> None:
    deployment = templates.main()
    suffix = only(deployment, "Microsoft.Web/serverfarms").name.removeprefix("plan-")
    named = {one.name.removeprefix(f"{suffix}-") for kind in (LOG_RULE, METRIC_RULE) for one in made(deployment, kind)}
    assert named == {
        *("chunk-lost", "chunk-near-deadline", "chunk-failed", "source-kept", "poison-messages"),
        "archived-file-removed",
        *(
            "recording-files-overdue",
            "recording-not-started",
            "callbacks-refused",
            "event-quarantined",
            "announcements-overdue",
            "function-failures",
            "audit-entry-missing",
            "sweep-silent",
            "sweep-incomplete",
            "events-dead-lettered",
            "events-dropped",
        ),
    }
    assert all(one.properties["enabled"] is True for kind in (LOG_RULE, METRIC_RULE) for one in made(deployment, kind))


def every_line_is_in_two_windows_and_rules_run_no_more_often_than_needed(templates: Templates) -> None:
    """Lines may arrive some minutes late. One that looks back half an hour needn't run every 5 minutes."""
    for rule in made(templates.main(), LOG_RULE):
        window, frequency = (int(rule.properties[name][2:-1]) for name in ("windowSize", "evaluationFrequency"))
        assert window >= 2 * frequency
        assert frequency == (5 if window < 30 or rule.name.endswith("sweep-silent") else 15)


def queries_use_only_lines_fields_and_metrics_of_the_code(templates: Templates) -> None:
    for query in all_queries(templates):
        assert set(re.findall(r"^\s*\(?(App\w+)", query, re.MULTILINE)) <= _TABLES
        assert query.count("(") == query.count(")")
        assert query.count('"') % 2 == 0
        texts = _TEXT.findall(query)
        known = log_lines()
        assert set(texts) <= known.keys()
        said = set.union(*(set(known[text].fields) for text in texts)) if texts else all_fields()
        assert set(_FIELD.findall(query)) <= said
        names = set(_NAME.findall(query))
        assert names <= (metric_names() if "AppMetrics" in query else functions().keys())


def queries_parse_lines_as_the_code_writes_them(templates: Templates) -> None:
    """A line is its text, a blank and its fields as JSON; queries search for a value as JSON writes it."""
    line = rendered("chunk given up", action="archive", end="lost")
    assert line.startswith("chunk given up {")
    assert json.loads(line[line.index("{") :]) == {"action": "archive", "end": "lost"}
    queries = all_queries(templates)
    parts = {found for query in queries for found in _PART.findall(query)}
    assert {text for text, _ in parts} == {"chunk given up", "function failed"}
    assert len([part for query in queries for part in _PART.findall(query)]) == "".join(queries).count("Message has")
    for text, part in parts:
        name, value = json.loads(f"{{{part}}}").popitem()
        assert part in rendered(text, **{name: value})
        assert name in log_lines()[text].fields
        assert name != "function" or value in functions()


def every_error_line_has_an_alert(templates: Templates) -> None:
    ringing = [one for one in made(templates.main(), LOG_RULE) if "LessThan" not in str(one.properties["criteria"])]
    heard = {text for rule in ringing for text in _TEXT.findall(query_of(rule))}
    loud = {text for text, said in log_lines().items() if said.levels & {"error", "exception", "critical", "log"}}
    assert loud == heard | COVERED_OTHERWISE


def the_loss_of_a_recording_is_critical(templates: Templates) -> None:
    severities = {one.name.split("-", 2)[-1]: one.properties["severity"] for one in made(templates.main(), LOG_RULE)}
    assert severities["chunk-lost"] == 0
    assert all(severity <= 2 for severity in severities.values())


def missing_sweep_runs_raise_an_alert(templates: Templates) -> None:
    (rule,) = [one for one in made(templates.main(), LOG_RULE) if one.name.endswith("-sweep-silent")]
    (criterion,) = rule.properties["criteria"]["allOf"]
    assert (criterion["timeAggregation"], criterion["operator"], criterion["threshold"]) == ("Count", "LessThan", 1)
    assert _TEXT.findall(criterion["query"]) == ["sweep finished"], "every run logs this line"


def poison_messages_raise_an_alert(templates: Templates) -> None:
    """A message that reaches no function has no log line, so the sweep counts the queue."""
    (rule,) = [one for one in made(templates.main(), LOG_RULE) if one.name.endswith("-poison-messages")]
    assert {"poison message kept", "poison messages waiting"} <= set(_TEXT.findall(query_of(rule)))


def rows_that_the_sweep_cannot_check_raise_an_alert(templates: Templates) -> None:
    (rule,) = [one for one in made(templates.main(), LOG_RULE) if one.name.endswith("-sweep-incomplete")]
    assert set(_TEXT.findall(query_of(rule))) == {"row unreadable", "check failed unexpectedly"}


def undelivered_events_raise_an_alert(templates: Templates) -> None:
    deployment = templates.main()
    metrics = set()
    for rule in made(deployment, METRIC_RULE):
        (criterion,) = rule.properties["criteria"]["allOf"]  # two would have to come true together
        metrics.add(criterion["metricName"])
        assert rule.properties["scopes"] == [only(deployment, TOPIC).id]
    assert metrics == {"DeadLetteredCount", "DroppedEventCount"}


def every_alert_reaches_the_named_recipients(templates: Templates) -> None:
    deployment = templates.main("alerting")
    group = only(deployment, GROUP)
    assert [one["emailAddress"] for one in group.properties["emailReceivers"]] == ["desk@example.com"]
    for rule in made(deployment, LOG_RULE):
        assert rule.properties["actions"]["actionGroups"] == [PAGER, group.id]
    for rule in made(deployment, METRIC_RULE):
        assert [one["actionGroupId"] for one in rule.properties["actions"]] == [PAGER, group.id]
    assert not made(templates.main(), GROUP)


def the_workbook_shows_every_error_line(templates: Templates) -> None:
    deployment = templates.main()
    workbook = only(deployment, WORKBOOK)
    assert workbook.properties["sourceId"] == only(deployment, "Microsoft.OperationalInsights/workspaces").id
    shown = {text for query in workbook_queries(templates) for text in _TEXT.findall(query)}
    loud = {text for text, said in log_lines().items() if said.levels & {"error", "critical"}}
    assert loud <= shown | COVERED_OTHERWISE


def all_queries(templates: Templates) -> list[str]:
    return [*map(query_of, made(templates.main(), LOG_RULE)), *workbook_queries(templates)]


def query_of(rule: object) -> str:
    (criterion,) = rule.properties["criteria"]["allOf"]
    return str(criterion["query"])


def workbook_queries(templates: Templates) -> list[str]:
    return list(_queries(json.loads(only(templates.main(), WORKBOOK).properties["serializedData"])))


def all_fields() -> set[str]:
    return set().union(*(said.fields for said in log_lines().values()))


def _queries(part: object) -> Iterator[str]:
    match part:
        case {"query": str(query)}:
            yield query
        case dict():
            for value in part.values():
                yield from _queries(value)
        case list():
            for value in part:
                yield from _queries(value)
