"""HTTP functions are found, authorized and answered as in Azure. Otherwise the app could work only locally."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.local.host.running import RunningHost

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


async def test_a_function_gets_the_request_as_from_the_real_host(host: RunningHost) -> None:
    path = "/api/echo/w%C3%A4%2Fx%20y?a=1&empty=&a=2"
    answer = await host.ask(
        path, "POST", data=b"\x00\xff", headers={"x-functions-key": host.functions_key, "X-Mixed": "Case"}
    )
    seen = answer.json()
    assert seen["url"] == host.url + path
    assert seen["method"] == "POST"
    assert seen["route"] == {"id": "wä%2Fx y"}
    assert seen["query"] == {"a": "1,2"}
    assert seen["headers"]["x-mixed"] == "Case"
    assert bytes.fromhex(seen["body"]) == b"\x00\xff"


async def test_the_response_passes_through_with_its_status_and_headers(host: RunningHost) -> None:
    answer = await host.ask("/api/echo/7", headers={"x-functions-key": host.functions_key})
    assert answer.status == 202
    assert answer.headers["X-Answer"] == "yes"
    assert answer.headers["Content-Type"] == "application/json"


async def test_a_body_of_many_megabytes_passes_both_ways(host: RunningHost) -> None:
    body = bytes(range(256)) * 4096 * 8
    answer = await host.ask("/api/echo/1", "POST", data=body, headers={"x-functions-key": host.functions_key})
    assert bytes.fromhex(answer.json()["body"]) == body


async def test_a_compressed_body_reaches_the_function_as_it_was_sent(host: RunningHost) -> None:
    headers = {"x-functions-key": host.functions_key, "Content-Encoding": "gzip"}
    answer = await host.ask("/api/echo/1", "POST", data=b"not touched", headers=headers, compress=None)
    assert bytes.fromhex(answer.json()["body"]) == b"not touched"


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/api/files/b%20c", {"file": "b c"}),
        ("/API/Files/A", {"file": "A"}),
        ("/api/files/special", {"file": "special"}),
    ],
)
async def test_the_route_registered_first_wins_over_a_later_literal_one(
    host: RunningHost, path: str, route: object
) -> None:
    assert (await host.ask(path)).json() == route


@pytest.mark.parametrize("path", ["/api/echo", "/api/echo/1/2", "/echo/1", "/api/nothing"])
async def test_a_path_without_a_route_is_not_found(host: RunningHost, path: str) -> None:
    answer = await host.ask(path, headers={"x-functions-key": host.functions_key})
    assert (answer.status, answer.body) == (404, b"")


async def test_a_method_that_the_function_does_not_support_is_not_found(host: RunningHost) -> None:
    answer = await host.ask("/api/echo/1", "DELETE", headers={"x-functions-key": host.functions_key})
    assert (answer.status, answer.body) == (404, b"")


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
async def test_a_function_without_methods_supports_all(host: RunningHost, method: str) -> None:
    assert (await host.ask("/api/names/x", method)).json() == {"name": "x", "method": method}


async def test_a_wrong_or_missing_key_is_an_empty_401(host: RunningHost) -> None:
    for headers in ({}, {"x-functions-key": "wrong"}, {"x-functions-key": host.system_key}):
        answer = await host.ask("/api/echo/1", headers=headers)
        assert (answer.status, answer.body) == (401, b"")


async def test_the_key_comes_by_header_or_by_query_and_the_header_wins(host: RunningHost) -> None:
    good, bad = host.functions_key, {"x-functions-key": "wrong"}
    assert (await host.ask(f"/api/echo/1?code={good}")).status == 202
    assert (await host.ask(f"/api/echo/1?code={good}", headers=bad)).status == 401
    assert (await host.ask("/api/echo/1?code=wrong", headers={"x-functions-key": good})).status == 202


async def test_an_admin_function_accepts_only_the_master_key(host: RunningHost) -> None:
    assert (await host.ask("/api/guarded", headers={"x-functions-key": host.functions_key})).status == 401
    assert (await host.ask("/api/guarded", headers={"x-functions-key": host.master_key})).status == 200


async def test_an_exception_is_an_empty_500_without_details(host: RunningHost) -> None:
    answer = await host.ask("/api/broken")
    assert (answer.status, answer.body) == (500, b"")


async def pieces() -> AsyncIterator[bytes]:
    yield b"first"
    yield b"second"


async def test_a_function_gets_a_chunked_body_as_an_empty_one(host: RunningHost) -> None:
    key = {"x-functions-key": host.functions_key}
    seen = (await host.ask("/api/echo/1", "POST", data=pieces(), headers=key)).json()
    assert seen["body"] == ""
    assert seen["headers"]["transfer-encoding"] == "chunked"
    assert "content-length" not in seen["headers"]


async def test_the_answer_of_a_function_is_chunked_and_has_no_length(host: RunningHost) -> None:
    for path in ("/api/names/x", "/api/pid"):
        answer = await host.ask(path, "POST")
        assert answer.status == 200
        assert answer.headers["Transfer-Encoding"] == "chunked"
        assert "Content-Length" not in answer.headers


async def test_a_principal_that_is_not_base64_is_an_empty_500(host: RunningHost) -> None:
    answer = await host.ask("/api/names/x", headers={"x-ms-client-principal": "{}"})
    assert (answer.status, answer.body) == (500, b"")
    assert (await host.ask("/api/names/x", headers={"x-ms-client-principal": "e30="})).status == 200


async def test_the_callers_trace_context_reaches_the_function(host: RunningHost) -> None:
    key = {"x-functions-key": host.functions_key}
    assert (await host.ask("/api/echo/1", headers={**key, "traceparent": TRACE})).json()["trace"] == TRACE


async def test_without_a_trace_context_every_invocation_gets_a_new_one(host: RunningHost) -> None:
    key = {"x-functions-key": host.functions_key}
    traces = {(await host.ask("/api/echo/1", headers=key)).json()["trace"] for _ in range(2)}
    assert len(traces) == 2
    assert all(len(trace.split("-")[1]) == 32 for trace in traces)


@pytest.mark.parametrize("path", ["/api/meet", "/api/meet-sync"])
async def test_invocations_run_at_the_same_time(host: RunningHost, path: str) -> None:
    answers = await asyncio.gather(host.ask(path), host.ask(path))
    assert [answer.status for answer in answers] == [200, 200]
