"""The page's files: served without a key, with a policy that allows no code from elsewhere."""

import re
from pathlib import Path

import pytest

from tests.acceptance.conftest import Deployment

pytestmark = pytest.mark.asyncio(loop_scope="session")

FILES = sorted(path.name for path in (Path(__file__).parents[3] / "shared" / "page").rglob("*.*"))
ANYONE: dict[str, dict[str, str]] = {"headers": {}}


async def text_of(deployment: Deployment, path: str) -> str:
    async with deployment.http.get(f"{deployment.where.functions}/api/{path}") as response:
        assert response.status == 200
        return await response.text()


async def test_the_names_of_the_page_s_files_are_unique_because_they_are_served_without_folders():
    assert len(set(FILES)) == len(FILES)
    assert {"app.js", "index.html", "runbooks.md", "style.css", "logo.svg"} < set(FILES)


async def test_the_page_needs_no_key_and_allows_no_code_from_elsewhere(deployment: Deployment):
    for path in ("dashboard", *(f"dashboard/{name}" for name in FILES)):
        async with deployment.http.get(f"{deployment.where.functions}/api/{path}") as response:
            assert response.status == 200, path
            policy = dict(rule.split(" ", 1) for rule in response.headers["Content-Security-Policy"].split("; "))
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            assert response.headers["Referrer-Policy"] == "no-referrer"
        closed = ("default-src", "frame-ancestors", "base-uri", "form-action", "trusted-types")
        assert {name: policy.pop(name) for name in closed} == dict.fromkeys(closed, "'none'")
        assert policy.pop("require-trusted-types-for") == "'script'"
        assert deployment.where.blob_url.startswith(policy.pop("media-src"))
        assert set(policy.values()) == {"'self'"}


async def test_the_page_contains_no_inline_script_or_style_and_no_foreign_url(deployment: Deployment):
    page = await text_of(deployment, "dashboard")
    assert re.findall(r"<(?:script|style)[^>]*>([^<]+)<", page) == []
    assert " style=" not in page
    for name in FILES:
        text = await text_of(deployment, f"dashboard/{name}")
        assert set(re.findall(r"https?://[^\s\"'`]+", text)) <= {"http://www.w3.org/2000/svg"}, name


async def test_a_cached_file_is_not_sent_again(deployment: Deployment):
    url = f"{deployment.where.functions}/api/dashboard/app.js"
    async with deployment.http.get(url) as response:
        etag = response.headers["ETag"]
        assert (response.content_type, response.headers["Cache-Control"]) == ("text/javascript", "no-cache")
    for known in (etag, f'"other", W/{etag}'):
        async with deployment.http.get(url, headers={"If-None-Match": known}) as response:
            assert (response.status, await response.read(), response.headers["ETag"]) == (304, b"", etag)
    async with deployment.http.get(url, headers={"If-None-Match": '"other"'}) as response:
        assert response.status == 200


@pytest.mark.parametrize(
    "name", ["nothing.js", "..%2Fapp.py", "%2e%2e%2fsettings.py", "index.html%00.js", "%2Fetc%2Fpasswd"]
)
async def test_no_other_file_of_the_app_can_be_read(deployment: Deployment, name: str):
    status, _, _ = await deployment.call("GET", f"/api/dashboard/{name}", **ANYONE)
    assert status in (400, 404)
