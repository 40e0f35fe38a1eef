"""Clients that generators make from the API description record a call. Types that don't fit would fail here first."""

import asyncio
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from shared.http.description import Document
from tests.acceptance.conftest import Deployment

pytestmark = pytest.mark.asyncio(loop_scope="session")

HERE = Path(__file__).parent
CHECKOUT = HERE.parents[2]
NODE_MODULES = CHECKOUT / "local" / "node_modules"
OPENAPI = CHECKOUT / "shared" / "http" / Document.OPENAPI
COMPILER_OPTIONS = {
    "strict": True,
    "target": "es2022",
    "lib": ["es2022", "dom"],
    "module": "esnext",
    "moduleResolution": "bundler",
    "types": [],
    "skipLibCheck": True,  # checking TypeScript's own declarations takes most of the time
}


async def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *map(str, command),
        cwd=cwd,
        env=dict(os.environ) | environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
    return output.decode()


async def python_client(folder: Path) -> list[str | Path]:
    configuration = folder / "generator.yaml"
    configuration.write_text(json.dumps({"package_name_override": "callvault_client", "post_hooks": []}))
    generate = f"-m openapi_python_client generate --meta none --fail-on-warning --config {configuration}"
    output = folder / "callvault_client"
    await run(sys.executable, *generate.split(), "--path", OPENAPI, "--output-path", output, cwd=folder)
    return [sys.executable, HERE / "main_path.py"]


async def typescript_client(folder: Path) -> list[str | Path]:
    (folder / "node_modules").symlink_to(NODE_MODULES)
    (folder / "package.json").write_text('{"type": "module"}')
    shutil.copy(HERE / "main_path.ts", folder)
    generator = NODE_MODULES / "openapi-typescript" / "bin" / "cli.js"
    await run("node", generator, OPENAPI, "--output", folder / "api.ts", cwd=folder)
    (folder / "tsconfig.json").write_text(json.dumps({"compilerOptions": COMPILER_OPTIONS, "files": ["main_path.ts"]}))
    await run("node", NODE_MODULES / "typescript" / "bin" / "tsc", "--project", ".", cwd=folder)
    return ["node", folder / "main_path.js"]


@pytest.mark.parametrize("client", [python_client, typescript_client])
async def test_a_generated_client_records_a_call(deployment: Deployment, tmp_path: Path, client: Any):
    command = await client(tmp_path)
    call = await deployment.acs("POST", "/calls", kind="group", participants=2)
    where = deployment.where
    arguments = (f"{where.functions}/api", where.functions_key, call["serverCallId"], where.acs)
    path = os.pathsep.join(filter(None, (str(tmp_path), os.environ.get("PYTHONPATH"))))
    found = json.loads(await run(*command, *arguments, cwd=tmp_path, PYTHONPATH=path))
    view = await deployment.settled(found["recordingId"])
    assert (found["state"], found["listed"]) == ("archived", [found["recordingId"]])
    assert found["labels"] == {"made": "by a client"}
    assert found["downloaded"] == found["size"] > 0
    assert [found["sha256"]] == [chunk["sha256"] for chunk in view["chunks"]]
