"""The functions as the platform sees them: their bindings, and who may call them."""

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.conftest import Deployment

pytestmark = pytest.mark.asyncio(loop_scope="session")

CHECKOUT = Path(__file__).parents[2]
QUEUE = {"type": "queueTrigger", "queueName": "recording-chunks", "connection": "AzureWebJobsStorage"}


def http(route: str, *methods: str) -> dict[str, Any]:
    return {"type": "httpTrigger", "route": route, "methods": list(methods), "authLevel": "FUNCTION"}


def operators(route: str) -> dict[str, Any]:
    return http(route, "POST") | {"authLevel": "ADMIN"}


EXPECTED = {
    "start_recording": http("recordings", "POST"),
    "list_recordings": http("recordings", "GET"),
    "get_recording": http("recordings/{recordingId}", "GET"),
    "stop_recording": http("recordings/{recordingId}/stop", "POST"),
    "get_archive": http("recordings/{recordingId}/archive", "GET"),
    "get_timeline": http("recordings/{recordingId}/timeline", "GET"),
    "pause_recording": http("recordings/{recordingId}/pause", "POST"),
    "resume_recording": http("recordings/{recordingId}/resume", "POST"),
    "replay_recording": operators("recordings/{recordingId}/replay"),
    "get_summary": http("summary", "GET"),
    "get_content": http("recordings/{recordingId}/chunks/{documentId}/content", "GET"),
    "get_metadata": http("recordings/{recordingId}/chunks/{documentId}/metadata", "GET"),
    "replay_chunk": operators("recordings/{recordingId}/chunks/{documentId}/replay"),
    "replay_by_reason": operators("replay"),
    "acknowledge_chunk": operators("recordings/{recordingId}/chunks/{documentId}/acknowledge"),
    "list_quarantine": http("quarantine", "GET"),
    "replay_quarantined": operators("quarantine/{quarantineId}/replay"),
    "show_page": http("dashboard", "GET") | {"authLevel": "ANONYMOUS"},
    "show_page_file": http("dashboard/{file}", "GET") | {"authLevel": "ANONYMOUS"},
    "submit_events": operators("events"),
    "receive_callbacks": http("callbacks", "POST") | {"authLevel": "ANONYMOUS"},
    "get_health": http("health", "GET"),
    "get_openapi": http("openapi.json", "GET") | {"authLevel": "ANONYMOUS"},
    "get_swagger": http("swagger.json", "GET") | {"authLevel": "ANONYMOUS"},
    "on_recording_event": {"type": "eventGridTrigger"},
    "archive_chunk": QUEUE,
    "keep_poison_message": QUEUE | {"queueName": "recording-chunks-poison"},
    "sweep": {"type": "timerTrigger", "schedule": "0 * * * * *"},
    "remove_expired": {"type": "timerTrigger", "schedule": "15 17 3 * * *"},
    "process_dead_letters": {"type": "timerTrigger", "schedule": "30 */5 * * * *"},
}


async def test_the_real_worker_finds_exactly_the_expected_functions_and_bindings(deployment: Deployment):
    status, functions, _ = await deployment.call(
        "GET", "/admin/functions", headers={"x-functions-key": deployment.where.master_key}
    )
    assert status == 200
    found = {}
    for function in functions:
        (trigger,) = [one for one in function["config"]["bindings"] if one["type"].endswith("Trigger")]
        found[function["name"]] = {name: trigger[name] for name in trigger if name not in ("name", "direction")}
    assert found == EXPECTED


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/recordings"),
        ("GET", "/api/recordings"),
        ("GET", "/api/recordings/x"),
        ("POST", "/api/recordings/x/stop"),
        ("GET", "/api/recordings/x/archive"),
        ("GET", "/api/recordings/x/timeline"),
        ("POST", "/api/recordings/x/pause"),
        ("POST", "/api/recordings/x/resume"),
        ("POST", "/api/recordings/x/replay"),
        ("GET", "/api/summary"),
        ("GET", "/api/quarantine"),
        ("GET", "/api/recordings/x/chunks/y/content"),
        ("GET", "/api/recordings/x/chunks/y/metadata"),
        ("POST", "/api/recordings/x/chunks/y/replay"),
        ("POST", "/api/quarantine/x/replay"),
        ("POST", "/api/events"),
        ("GET", "/api/health"),
    ],
)
async def test_no_route_answers_without_a_key(deployment: Deployment, method: str, path: str):
    for headers in ({}, {"x-functions-key": "wrong"}):
        status, _, _ = await deployment.call(method, path, headers=headers)
        assert status == 401


@pytest.mark.parametrize(
    "path", ["recordings/x/replay", "recordings/x/chunks/y/replay", "quarantine/x/replay", "events"]
)
async def test_a_function_key_does_not_open_the_routes_of_operators(deployment: Deployment, path: str):
    """Otherwise every caller who may start a recording could forge an event, or replay a refused one."""
    system_key = deployment.where.event_grid_url.rpartition("code=")[2]
    for key in (deployment.where.functions_key, system_key):
        status, body, _ = await deployment.call("POST", f"/api/{path}", headers={"x-functions-key": key})
        assert (status, body) == (401, None)
    status, _, _ = await deployment.call("POST", f"/api/{path}", headers=deployment.operator)
    assert status in (400, 404), "the function answers"


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("POST", "recordings", {"origin": "https://evil.example"}),
        ("POST", "recordings/x/stop", {"origin": "null"}),
        ("POST", "events", {"origin": "null"}),
        ("GET", "recordings/x/chunks/y/content", {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}),
        ("GET", "recordings/x/timeline", {"sec-fetch-site": "cross-site", "sec-fetch-mode": "cors"}),
    ],
)
async def test_a_request_from_another_site_is_refused_even_with_a_valid_key(
    deployment: Deployment, method: str, path: str, headers: dict[str, str]
):
    status, problem, _ = await deployment.call(method, f"/api/{path}", headers=deployment.operator | headers)
    assert (status, problem["reason"]) == (403, "foreign-page")


async def test_the_event_grid_endpoint_accepts_only_its_own_key(deployment: Deployment):
    url = deployment.where.event_grid_url.partition("&code=")[0]
    assert await deployment.deliver({}, url=url) == 401
    assert await deployment.deliver({}, url=f"{url}&code={deployment.where.functions_key}") in (401, 403)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "Callvault cannot start: ACS_CONNECTION_STRING, ACS_ENDPOINT: set exactly one"),
        ({"ACS_ENDPOINT": "https://x.communication.azure.com", "RETENTION_HOURS": "soon"}, "RETENTION_HOURS: must be"),
    ],
)
async def test_a_wrong_setting_stops_the_app_at_start_with_one_clear_message(
    tmp_path: Path, settings: dict[str, str], message: str
):
    environment = {"PATH": "/usr/bin:/bin", "AzureWebJobsStorage": "UseDevelopmentStorage=true", **settings}
    host = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "local.host",
        "--app",
        str(CHECKOUT),
        "--settings",
        str(_no_settings(tmp_path)),
        cwd=CHECKOUT,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(host.communicate(), 60)
    assert host.returncode == 1
    assert message in output.decode()


def _no_settings(directory: Path) -> Path:
    path = directory / "local.settings.json"
    path.write_text('{"IsEncrypted": false, "Values": {}}')
    return path
