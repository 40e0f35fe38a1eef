"""The server and the host handle requests before a function does. The app can't see it, but depends on it."""

import asyncio
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.local.host.queues import Queues
from tests.local.host.running import Answer, RunningHost, app_copy, running_host


async def raw(host: RunningHost, target: str, *lines: str, method: str = "GET", body: bytes = b"") -> tuple[int, bytes]:
    """The status and body of a raw request. HTTP clients would normalise the path."""
    address = urlsplit(host.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    head = [f"{method} {target} HTTP/1.1", f"Host: {address.netloc}", "Connection: close", *lines]
    writer.write("\r\n".join([*head, "", ""]).encode() + body)
    answer = await reader.read()
    writer.close()
    top, _, rest = answer.partition(b"\r\n\r\n")
    return int(top.split()[1]), rest


@pytest.mark.parametrize(
    ("target", "name"),
    [
        ("/api/names/a/../b", b"b"),
        ("/api/x/%2E%2e/names/b", b"b"),
        ("/api/./names/%62", b"b"),
        ("/../api/names/b", b"b"),
        ("/api/names/a%2F..%2Fb", b"a%2F..%2Fb"),
        ("/api/names/%2562", b"%62"),
    ],
)
async def test_a_path_is_decoded_once_and_normalised_before_it_is_routed(
    host: RunningHost, target: str, name: bytes
) -> None:
    status, body = await raw(host, target)
    assert status == 200
    assert b'"name": "' + name + b'"' in body


async def test_a_dot_as_an_id_is_removed_from_the_path(host: RunningHost) -> None:
    assert (await raw(host, "/api/names/%2E"))[0] == 404  # names/{name} needs a name


@pytest.mark.parametrize(
    ("target", "lines", "status"),
    [
        ("/api/names/%00", (), 400),
        (f"/api/names/x?q={'x' * 8000}", (), 200),
        (f"/api/names/x?q={'x' * 8200}", (), 414),
        ("/api/names/x", tuple(f"X-{number}: 1" for number in range(98)), 200),
        ("/api/names/x", tuple(f"X-{number}: 1" for number in range(99)), 431),
        ("/api/names/x", (f"X-Long: {'x' * 32_000}",), 200),
        ("/api/names/x", (f"X-Long: {'x' * 33_000}",), 431),
    ],
)
async def test_a_request_above_the_servers_limits_is_refused_before_the_app(
    host: RunningHost, target: str, lines: tuple[str, ...], status: int
) -> None:
    assert (await raw(host, target, *lines))[0] == status


async def test_a_body_over_the_limit_is_an_empty_500_and_the_connection_is_closed(
    tmp_path: Path, queues: Queues
) -> None:
    settings = queues.settings | {"FUNCTIONS_REQUEST_BODY_SIZE_LIMIT": "10"}
    async with running_host(tmp_path, settings=settings) as host:
        assert (await host.ask("/api/names/x", "POST", data=b"x" * 10)).status == 200
        answer = await host.ask("/api/names/x", "POST", data=b"x" * 11)
        assert (answer.status, answer.body, answer.headers["Connection"]) == (500, b"", "close")
        chunked = f"{'x' * 16}"
        query = f"functionName=on_event&code={host.system_key}"
        lines = ("Transfer-Encoding: chunked", "aeg-event-type: Notification")
        status, _ = await raw(
            host,
            f"/runtime/webhooks/eventgrid?{query}",
            *lines,
            method="POST",
            body=f"10\r\n{chunked}\r\n0\r\n\r\n".encode(),
        )
        assert status == 500
        assert not host.logged("executing", function="on_event")


async def test_the_home_page_can_be_disabled(tmp_path: Path, queues: Queues) -> None:
    off = queues.settings | {"AzureWebJobsDisableHomepage": "true"}
    async with running_host(tmp_path, settings=off) as host:
        answer = await host.ask("/")
        assert (answer.status, answer.body) == (204, b"")


async def test_by_default_there_is_a_public_home_page(host: RunningHost) -> None:
    answer = await host.ask("/")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert b"up and running" in answer.body


async def test_custom_headers_are_on_every_answer_and_a_function_s_own_wins(tmp_path: Path, queues: Queues) -> None:
    headers = {"X-Custom": "of the host", "X-Other": "yes"}
    app = app_copy(tmp_path, extensions={"http": {"customHeaders": headers}})

    def custom(answer: Answer) -> tuple[str, str]:
        return answer.headers["X-Custom"], answer.headers["X-Other"]

    async with running_host(tmp_path, app=app, settings=queues.settings) as host:
        key = {"x-functions-key": host.functions_key}
        assert custom(await host.ask("/api/echo/1", headers=key)) == ("of the function", "yes")
        for path in ("/api/echo/1", "/api/nothing", "/admin/host/status", "/admin/host/ping", "/api/broken"):
            assert custom(await host.ask(path)) == ("of the host", "yes")


async def test_strict_transport_security_is_on_every_answer_to_a_request_that_came_over_tls(
    tmp_path: Path, queues: Queues
) -> None:
    app = app_copy(tmp_path, extensions={"http": {"hsts": {"isEnabled": True, "maxAge": "365.00:00:00"}}})
    tls = {"X-Forwarded-Proto": "https", "Host": "app.example"}

    async with running_host(tmp_path, app=app, settings=queues.settings) as host:
        for path in ("/api/echo/1", "/api/nothing", "/admin/host/ping"):
            answer = await host.ask(path, headers=tls)
            assert answer.headers["Strict-Transport-Security"] == "max-age=31536000", path
        for plain in ({"Host": "app.example"}, {"X-Forwarded-Proto": "https"}):
            assert "Strict-Transport-Security" not in (await host.ask("/api/nothing", headers=plain)).headers


async def test_without_hsts_in_host_json_strict_transport_security_is_never_sent(host: RunningHost) -> None:
    tls = {"X-Forwarded-Proto": "https", "Host": "app.example"}
    assert "Strict-Transport-Security" not in (await host.ask("/api/nothing", headers=tls)).headers
