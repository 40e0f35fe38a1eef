"""The running stack against its API description, with valid and invalid requests that schemathesis generates from it.

Each answer must not be a server error, and its status, media type, headers and body must be described. Requests that
the description forbids must be refused. Valid requests may fail, because only ACS knows which calls exist. Unknown
verbs are left out, because the platform answers them.
"""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from tests.acceptance.conftest import Deployment

pytestmark = pytest.mark.asyncio(loop_scope="session")

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "ignored_auth",
)
EXAMPLES = int(os.environ.get("INTERFACE_EXAMPLES", "10"))  # requests of each kind for each operation
PATIENCE = 300
CHECKOUT = Path(__file__).parents[2]
CONFIGURATION = Path(__file__).with_name("schemathesis.toml")
HOOKS = {"SCHEMATHESIS_HOOKS": "tests.properties.interface_hooks", "PYTHONPATH": str(CHECKOUT)}


async def test_every_answer_matches_the_api_description(besieged: Deployment, tmp_path: Path):
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIGURATION)),
        *("run", f"{besieged.where.functions}/api/openapi.json"),
        *("--header", f"x-functions-key:{besieged.where.master_key}"),
        *("--checks", ",".join(CHECKS), "--max-examples", str(EXAMPLES)),
        *("--generation-deterministic", "--no-shrink", "--continue-on-failure"),
        *("--phases", "examples,coverage,fuzzing", "--suppress-health-check", "all", "--warnings", "off"),
    ]
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=tmp_path,
        env=os.environ | HOOKS,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(process.communicate(), PATIENCE)
    assert process.returncode == 0, output.decode()
