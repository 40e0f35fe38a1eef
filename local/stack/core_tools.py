"""Hosts the app with Azure Functions Core Tools (`func`), if they are installed. Our own host imitates them.

This module hasn't been run against a real `func`. It follows what the host's maintainers document: with
`--enableAuth`, `func` reads its keys from `azure-webjobs-secrets/<host id>/host.json` in AzureWebJobsStorage
(azure-functions-host issue 4147, azure-functions-core-tools issue 3394). The keys are therefore stored before it
starts. `func` also reads a local.settings.json beside the app, but our settings are in the environment, which wins.
"""

import asyncio
import contextlib
import json
import os
import shutil
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import aiohttp
from azure.core.exceptions import ResourceExistsError
from azure.storage.blob.aio import BlobServiceClient

from local.processes.child_processes import ChildError, Program, clean_environment, running
from local.processes.ports import free_port
from local.stack.hosts import GRACE_SECONDS, READY_SECONDS, Host
from local.stack.keys import Keys
from local.stack.options import StackOptions
from local.stack.stack_directory import StackDirectory

HOST_ID = "callvaultlocal"
SECRETS_CONTAINER = "azure-webjobs-secrets"
POLL_SECONDS = 0.2


def find_func() -> str:
    func = shutil.which("func")
    if func is None:
        raise ChildError("HOST=func needs Azure Functions Core Tools 4, but there is no func on PATH.")
    return func


@contextlib.asynccontextmanager
async def core_tools_host(
    func: str, options: StackOptions, place: StackDirectory, settings: Mapping[str, str]
) -> AsyncIterator[Host]:
    keys = Keys.kept_in(place.path)
    await _store(keys, settings["AzureWebJobsStorage"])
    port = options.port or free_port()  # func can't choose one itself
    environment = clean_environment(settings) | {
        "AzureFunctionsWebHost__hostid": HOST_ID,
        "FUNCTIONS_WORKER_PROCESS_COUNT": str(options.workers),
        # func runs the app with the first python on PATH.
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    program = Program(
        name="func",
        command=[func, "start", "--port", str(port), "--enableAuth"],
        log=place.logs / "host.log",
        directory=options.app,
        environment=environment,
        grace=GRACE_SECONDS,
        held=(place.lock,),
    )
    async with running(program) as child:
        url = f"http://127.0.0.1:{port}"
        async with aiohttp.ClientSession(headers={"x-functions-key": keys.master}) as session:
            probe = asyncio.create_task(_until_running(session, url))
            try:
                await child.until(lambda: probe.done() or None, within=READY_SECONDS)
            finally:
                probe.cancel()
        yield Host(
            functions=url,
            functions_key=keys.functions,
            system_key=keys.system,
            master_key=keys.master,
            child=child,
            workers=lambda: (),  # func doesn't report them
        )


async def _store(keys: Keys, connection_string: str) -> None:
    async with BlobServiceClient.from_connection_string(connection_string) as blobs:
        with contextlib.suppress(ResourceExistsError):
            await blobs.create_container(SECRETS_CONTAINER)
        blob = blobs.get_blob_client(SECRETS_CONTAINER, f"{HOST_ID}/host.json")
        await blob.upload_blob(_key_file(keys), overwrite=True)


def _key_file(keys: Keys) -> str:
    def key(name: str, value: str) -> dict[str, object]:
        return {"name": name, "value": value, "encrypted": False}

    return json.dumps(
        {
            "masterKey": key("master", keys.master),
            "functionKeys": [key("default", keys.functions)],
            "systemKeys": [key("eventgrid_extension", keys.system)],
        }
    )


async def _until_running(session: aiohttp.ClientSession, url: str) -> None:
    state = None
    while state != "Running":
        with contextlib.suppress(aiohttp.ClientError):
            async with session.get(f"{url}/admin/host/status") as answer:
                state = (await answer.json())["state"] if answer.ok else None
        await asyncio.sleep(POLL_SECONDS)
