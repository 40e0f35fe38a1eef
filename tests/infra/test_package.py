"""What is deployed: the code and nothing else, the same bytes each time, whole enough to run on its own."""

import platform
import re
import sys
import venv
import zipfile
from pathlib import Path

import aiohttp
import pytest

from infra.package import CHECKOUT, DEPENDENCIES, PLATFORMS, install, package, packaged
from local.stack import Azurite, Resources, provision
from local.stack.processes import Program, clean_environment, running

PATIENCE = 60
MEBIBYTE = 1024 * 1024
LIKE_AZURE = sys.platform == "linux" and platform.machine() == "x86_64"


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package with its dependencies, those for Azure wherever they run on this machine, too."""
    directory = tmp_path_factory.mktemp("package")
    install(directory / "dependencies", platforms=PLATFORMS if LIKE_AZURE else ())
    return package(directory / "callvault.zip", dependencies=directory / "dependencies")


def test_the_code_its_requirements_and_host_json_are_deployed_and_nothing_else():
    names = set(packaged())
    code = {file.relative_to(CHECKOUT).as_posix() for file in (CHECKOUT / "shared").rglob("*.py")}
    page = {file.relative_to(CHECKOUT).as_posix() for file in (CHECKOUT / "shared" / "page").iterdir()}
    assert code | page <= names
    assert names - code - page == {"function_app.py", "host.json", "requirements.txt", "constraints.txt"}


def test_the_same_checkout_gives_the_same_bytes(tmp_path: Path):
    first, second = package(tmp_path / "one.zip"), package(tmp_path / "two.zip")
    assert first.read_bytes() == second.read_bytes()


def test_what_funcignore_names_is_left_out_wherever_it_lies(tmp_path: Path):
    (tmp_path / ".funcignore").write_text("*.md\n__pycache__\n.*\n!.python_packages\n/local\n")
    for name in ("a.py", "a.md", "deep/__pycache__/a.pyc", "deep/local/kept.py", "local/b.py", ".env", ".git/config"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert sorted(packaged(tmp_path)) == ["a.py", "deep/local/kept.py"]


def test_the_package_stays_small(whole: Path, tmp_path: Path):
    """Every new instance downloads it before it answers: what it holds is paid for in cold starts."""
    assert package(tmp_path / "code.zip").stat().st_size < MEBIBYTE // 2
    assert whole.stat().st_size < 20 * MEBIBYTE
    with zipfile.ZipFile(whole) as archive:
        assert sum(entry.file_size for entry in archive.infolist()) < 64 * MEBIBYTE


async def test_the_package_runs_on_the_real_worker_with_what_it_holds_alone(
    whole: Path, tmp_path: Path, azurite: Azurite
):
    app = tmp_path / "app"
    with zipfile.ZipFile(whole) as archive:
        archive.extractall(app)
    # An interpreter that has the package's libraries and no others.
    venv.create(tmp_path / "bare", with_pip=False)
    names = {"CHUNKS_QUEUE": "packaged-chunks", "RECORDINGS_TABLE": "packagedrecordings"}
    settings = {
        "AzureWebJobsStorage": azurite.connection_string,
        "ACS_CONNECTION_STRING": "endpoint=https://contoso.communication.azure.com/;accesskey=a2V5",
        "PYTHONPATH": str(app / DEPENDENCIES),
        "PYTHONDONTWRITEBYTECODE": "1",
        **names,
    }
    await provision(azurite.connection_string, Resources.named_by(names))
    ready = tmp_path / "ready.json"
    command = [str(tmp_path / "bare" / "bin" / "python"), "-m", "local.host"]
    host = Program(
        name="host",
        command=[*command, "--app", str(app), "--ready", str(ready), "--master-key", "key"],
        log=tmp_path / "host.log",
        directory=CHECKOUT,
        environment=clean_environment(settings),
    )
    async with running(host) as child, aiohttp.ClientSession() as http:
        found = await child.ready_file(ready, within=PATIENCE)
        # A call that reaches storage and nobody else.
        url = f"{found['functions']}/api/recordings/unknown/replay"
        async with http.post(url, headers={"x-functions-key": "key"}) as response:
            answer = await response.json(content_type=None)
        log = child.log.read_text()
    assert answer["reason"] == "not-found"
    indexed = set(re.findall(r"function (\w+): ", log))
    assert indexed == set(re.findall(r"^async def (\w+)\(", (app / "function_app.py").read_text(), re.MULTILINE))
