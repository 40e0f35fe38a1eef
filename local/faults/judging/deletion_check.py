"""Checks storage directly before each delete of a source: the simulator's delete waits for the check.

At that time a row of the catalogue must say that the document is archived, and both of its files must be in the
archive with the original's bytes.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from azure.core.exceptions import AzureError, ResourceNotFoundError

from local.faults.judging.violations import Kind, Violation, violation
from local.faults.playing.tampering import Tamperer
from local.faults.running_stack.stack_client import StackClient
from shared.domain.states import SAFE

_RECENT = 1.0  # seconds; the app may have checked a file before a change this recent
_PATIENCE = 20.0  # seconds; longer than a restart of the storage takes
_POLL = 0.2


@dataclass(kw_only=True)
class DeletionCheck:
    client: StackClient
    tamperer: Tamperer
    deletes: int = 0
    found: list[Violation] = field(default_factory=list)

    @contextlib.asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        application = web.Application()
        application.router.add_post("/", self._before_delete)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            address = f"http://127.0.0.1:{runner.addresses[0][1]}/"
            await self.client.acs("POST", "/witness", address=address)
            yield
        finally:
            await runner.cleanup()

    async def _before_delete(self, request: web.Request) -> web.Response:
        document = await request.json()
        self.deletes += 1
        wrong = await self._wrong(document)
        if wrong is not None and not self.tamperer.was_done_within(document["documentId"], _RECENT):
            sentence = f"its source was about to be deleted although {wrong}"
            self.found.append(violation(Kind.DELETED_EARLY, document["documentId"], sentence))
        return web.Response(status=204)

    async def _wrong(self, document: dict[str, Any]) -> str | None:
        async with asyncio.timeout(_PATIENCE):
            while True:
                with contextlib.suppress(AzureError):
                    return await self._checked(document)
                await asyncio.sleep(_POLL)

    async def _checked(self, document: dict[str, Any]) -> str | None:
        chunks = await self.client.chunks_of(document["documentId"])
        safe = [chunk for chunk in chunks if chunk.state in SAFE]
        if not chunks:
            return "it isn't in the catalogue"
        if not safe:
            return f"it was {', '.join(chunk.state for chunk in chunks)}"
        for chunk in safe:
            media = await self._sha256(chunk.blob_name)
            metadata = await self._sha256(chunk.metadata_blob_name)
            if (media, metadata) == (document["sha256"], document["metadataSha256"]):
                return None
        return "its files were not in the archive with the original's bytes"

    async def _sha256(self, name: str | None) -> str | None:
        if name is None:
            return None
        try:
            return await self.client.sha256(name)
        except ResourceNotFoundError:
            return None
