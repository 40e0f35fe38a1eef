"""The commands that write data refuse data that a newer version of the app wrote."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from tests.integration.world import World

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.storage("azurite")]

CHECKOUT = Path(__file__).parents[3]


@pytest.mark.parametrize("command", ["shared.rebuild", "shared.deadletters"])
async def test_a_command_refuses_newer_data_and_says_what_to_do(world: World, command: str):
    row = {"PartitionKey": "schema", "RowKey": "version", "version": 2}
    async with world.table(world.settings.links_table) as table:
        await table.create_entity(row)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", command, "--apply"),
        cwd=CHECKOUT,
        env=dict(os.environ),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate()
    assert (process.returncode, output) == (1, b"")
    assert errors.startswith(b"the data has schema version 2, and this version of the app can read versions up to 1")
    assert await world.rows(world.settings.links_table) == [row]
