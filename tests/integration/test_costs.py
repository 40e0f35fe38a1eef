"""What a chunk asks of storage is what its archive costs: docs/operations.md multiplies these numbers by a million."""

import re
from collections import Counter
from typing import Any
from urllib.parse import urlsplit

import pytest
from azure.core.pipeline.transport import AioHttpTransport

from infra.package import CHECKOUT
from tests.integration.conftest import World

pytestmark = pytest.mark.asyncio(loop_scope="session")

MIB = 1024 * 1024
COLUMNS = ("blob writes", "blob reads", "table operations", "messages")


class Bill:
    """Counts what storage is asked for, by what Azure charges for."""

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        self._containers = world.settings.archive_containers
        self._found: Counter[str] = Counter()
        send = AioHttpTransport.send

        async def counted(transport: Any, request: Any, **options: Any) -> Any:
            url = urlsplit(request.url)
            if url.hostname == "127.0.0.1":  # ACS has names
                self._found[self._kind(request.method, url.path.removeprefix("/devstoreaccount1/"))] += 1
            return await send(transport, request, **options)

        monkeypatch.setattr(AioHttpTransport, "send", counted)

    def since(self) -> tuple[int, ...]:
        """What was asked for since this was asked last, in the order of the docs' columns."""
        counts = tuple(self._found[column] for column in COLUMNS)
        self._found.clear()
        return counts

    def _kind(self, method: str, path: str) -> str:
        if path.startswith(self._containers):
            return "blob reads" if method in ("GET", "HEAD") else "blob writes"
        return "messages" if path.endswith("/messages") else "table operations"


def documented(step: str) -> tuple[int, ...]:
    (row,) = re.findall(rf"^\| {step} \|(.*)\|$", (CHECKOUT / "docs" / "operations.md").read_text(), re.MULTILINE)
    return tuple(int(cell) for cell in row.split("|")[: len(COLUMNS)])


@pytest.mark.parametrize(
    ("size", "step"),
    [(20_000, "archived and released, in one piece"), (20 * MIB, "archived and released, in three blocks")],
)
async def test_a_chunk_costs_what_the_docs_say(world: World, monkeypatch: pytest.MonkeyPatch, size: int, step: str):
    made = await world.document(size=size, format="wav")
    bill = Bill(world, monkeypatch)
    await world.app.intake.receive(made["event"])
    assert bill.since() == documented("event taken in")
    job = await world.take_job()
    bill.since()  # what the host does
    await world.app.archiving.handle(job)
    assert bill.since() == documented(step)
