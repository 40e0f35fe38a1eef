"""An archived recording whose files are removed and restored."""

import json
import logging
from typing import Any

import pytest

from shared.contracts.jobs import ChunkJob
from shared.domain.keys import key_of
from shared.domain.records import Chunk
from shared.http.answers import Answer
from shared.queries.downloads import File
from tests.integration.world import World

DAYS = 30  # age at which the archive's lifecycle rule deletes files, in tests that have one


def json_of(answer: Answer) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(answer.body)
    return body


class Kept:
    """A recording of one archived and released chunk, with helpers that remove and restore its files."""

    def __init__(self, world: World, container: Any, made: dict[str, Any], job: ChunkJob) -> None:
        self.world, self.container, self.made, self.job = world, container, made, job
        self.id: str = made["recordingId"]

    async def chunk(self) -> Chunk:
        return await self.world.chunk(self.job)

    async def name(self, file: File) -> str:
        chunk = await self.chunk()
        return str(chunk.blob_name if file is File.CONTENT else chunk.metadata_blob_name)

    async def remove(self, *files: File) -> dict[str, bytes]:
        """Deletes files, as someone with access to the account could, and returns their content."""
        bodies = {}
        for file in files:
            name = await self.name(file)
            bodies[name] = await (await self.container.download_blob(name)).readall()
            await self.container.delete_blob(name)
        return bodies

    async def restore(self, bodies: dict[str, bytes]) -> None:
        for name, body in bodies.items():
            await self.container.upload_blob(name, body)

    async def link(self, file: File = File.CONTENT) -> Answer:
        path = {"recordingId": self.id, "documentId": self.made["chunks"][0]["documentId"]}
        return await self.world.queries.link(file, path, {}, by="ada@contoso.example")

    async def archive(self) -> Answer:
        return await self.world.commands.archive(self.id, url=f"https://x/api/recordings/{self.id}/archive", by="ada")

    async def view(self) -> dict[str, Any]:
        return json_of(await self.world.commands.get(self.id))

    async def listed(self, **query: str) -> list[dict[str, Any]]:
        page = json_of(await self.world.queries.recordings(query, participant=None, by="ada"))
        return [one for one in page["recordings"] if one["recordingId"] == self.id]

    async def history(self) -> list[str]:
        return [one.action for one in await self.world.gateways.audit.history(key_of(self.id))]


def removals(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [one.message for one in caplog.records if one.levelno >= logging.ERROR]
