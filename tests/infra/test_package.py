"""The package contains the code and nothing else, has the same bytes each time, and runs on its own."""

import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import aiohttp
import pytest

from infra.package import CHECKOUT, DEPENDENCIES, PLATFORMS, copy, install, package, packaged
from local.processes.child_processes import Program, clean_environment, running
from local.stack import Azurite, Resources, provision

PATIENCE = 60
MEBIBYTE = 1024 * 1024
LIKE_AZURE = sys.platform == "linux" and platform.machine() == "x86_64"


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package with its dependencies: those for Azure if they also run on this machine."""
    directory = tmp_path_factory.mktemp("package")
    install(directory / "dependencies", platforms=PLATFORMS if LIKE_AZURE else ())
    return package(directory / "callvault.zip", dependencies=directory / "dependencies")


def test_the_code_its_requirements_and_host_json_are_deployed_and_nothing_else():
    names = set(packaged())
    code = {file.relative_to(CHECKOUT).as_posix() for file in (CHECKOUT / "shared").rglob("*.py")}
    page = {file.relative_to(CHECKOUT).as_posix() for file in (CHECKOUT / "shared" / "page").rglob("*.*")}
    assert code | page <= names
    assert names - code - page == {"function_app.py", "host.json", "requirements.txt", *DESCRIPTION}


def git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_the_same_checkout_gives_the_same_bytes(tmp_path: Path):
    first, second = package(tmp_path / "one.zip"), package(tmp_path / "two.zip")
    assert first.read_bytes() == second.read_bytes()


# Files that may be in a checkout and must never be published: keys, certificates, parameters, settings, call data.
STRAY = (
    *("key.pem", "id_rsa", "id_ed25519", "server.key", "tls.crt", "ca.cer", "app.pfx", "app.p12", "known.jks"),
    *(".env", "local.settings.json", "main.parameters.json", "prod.bicepparam", "secrets.yaml", "token.txt"),
    *("dump.sql", "recording.mp4", "events.json", "core", "notes.md", "module.pyc"),
)
# Named like modules: infra/package.py leaves them out, but no pattern of .funcignore can.
LIKE_MODULES = (".env.py", "Key.py", "a b.py", "module.py.bak")
FOLDERS = (
    *("", "infra", "infra/keys", "docs", "tests", "local"),
    *(
        "shared",
        "shared/page",
        "shared/page/frame",
        "shared/http",
        "shared/contracts",
        "shared/new",
        "shared/.hidden",
        "shared/New",
    ),
)
DESCRIPTION = {"shared/http/openapi.json", "shared/http/swagger.json"}
CODE = {"shared/__init__.py", "shared/contracts/http/bodies.py"}
MINIMAL = {"function_app.py", "host.json", "requirements.txt", *CODE, *DESCRIPTION}
PAGE = {"shared/page/index.html", "shared/page/frame/app.js", "shared/page/style.css", "shared/page/logo.svg"}


def write(root: Path, name: str, text: str) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text)


@pytest.fixture
def littered(tmp_path: Path) -> Path:
    """A small checkout with every stray file in every folder, and with links to files outside."""
    checkout, outside = tmp_path / "checkout", tmp_path / "outside"
    for name in MINIMAL | PAGE:
        write(checkout, name, "ours")
    for name in (*STRAY, *LIKE_MODULES):
        for folder in FOLDERS:
            write(checkout / folder, name, "PRIVATE")
    write(outside, "private.py", "PRIVATE")
    (checkout / "shared" / "linked.py").symlink_to(outside / "private.py")
    (checkout / "shared" / "linked").symlink_to(outside)
    shutil.copy(CHECKOUT / ".funcignore", checkout)
    return checkout


def test_a_stray_file_in_any_folder_is_never_packaged(littered: Path, tmp_path: Path):
    assert set(packaged(littered)) == MINIMAL | PAGE
    with zipfile.ZipFile(package(tmp_path / "a.zip", source=littered)) as archive:
        assert {archive.read(name) for name in archive.namelist()} == {b"ours"}
    copied = copy(tmp_path / "copied", source=littered)
    assert {file.relative_to(copied).as_posix() for file in copied.rglob("*") if file.is_file()} == MINIMAL | PAGE


@pytest.mark.parametrize("name", ["function_app.py", "host.json", "requirements.txt", *sorted(DESCRIPTION)])
def test_packaging_fails_if_a_file_that_azure_needs_is_missing(littered: Path, name: str):
    (littered / name).unlink()
    with pytest.raises(FileNotFoundError, match=name):
        list(packaged(littered))
    (littered / name).symlink_to(littered / "infra" / "key.pem")
    with pytest.raises(FileNotFoundError, match=name):
        list(packaged(littered))


def as_gitignore(root: Path) -> set[str]:
    """The files that azd publishes: it reads .funcignore by the rules of .gitignore."""
    git(root, "init", "--quiet")
    listed = git(root, "-c", "core.quotePath=false", "ls-files", "-z", "--others", "--exclude-from=.funcignore")
    return set(listed.split("\0")) - {""}


def as_core_tools(root: Path) -> set[str]:
    """The files that Core Tools publish: they have their own reading of .funcignore (GitIgnoreParser.cs)."""
    lines = [line.strip() for line in (root / ".funcignore").read_text().splitlines()]
    rules = [line for line in lines if line and not line.startswith("#")]
    ignored, let_in = (
        re.compile("^((" + ")|(".join(prefix_pattern(rule) for rule in some) + r"))\b")
        for some in (
            sorted(rule.removeprefix("/") for rule in rules if not rule.startswith("!")),
            sorted(rule.removeprefix("!").removeprefix("/") for rule in rules if rule.startswith("!")),
        )
    )
    files = {file.relative_to(root).as_posix() for file in root.rglob("*") if file.is_file()}
    return {name for name in files if let_in.search(name) or not ignored.search(name)}


def prefix_pattern(rule: str) -> str:
    escaped = re.sub(r"[\-\[\]/{}()+?.\\^$|]", r"\\\g<0>", rule)
    return escaped.replace("**", "(.+)").replace("*", "([^/]+)")


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A copy of this checkout's tracked files."""
    for name in git(CHECKOUT, "ls-files", "-z").split("\0"):
        if name and (CHECKOUT / name).is_file():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(CHECKOUT / name, tmp_path / name)
    return tmp_path


def test_funcignore_includes_the_package_s_files_for_azd_and_core_tools(clone: Path):
    assert as_core_tools(clone) == set(packaged())
    assert as_gitignore(clone) == set(packaged())


def test_packaging_writes_the_api_description_of_the_code_that_it_packs(clone: Path, tmp_path_factory):
    (clone / "shared" / "http" / "openapi.json").unlink()
    (clone / "shared" / "http" / "swagger.json").write_text("of an older version")
    output = tmp_path_factory.mktemp("output") / "code"
    command = [sys.executable, "-m", "infra.package", "--directory", str(output)]
    subprocess.run(command, cwd=clone, check=True, capture_output=True)
    for name in DESCRIPTION:
        assert (output / name).read_bytes() == (CHECKOUT / name).read_bytes()


def test_funcignore_excludes_stray_files_for_azd_and_core_tools(littered: Path):
    for published in (as_core_tools(littered), as_gitignore(littered)):
        assert published >= MINIMAL | PAGE
        assert {Path(name).name for name in published}.isdisjoint(STRAY)


def test_the_package_stays_small(whole: Path, tmp_path: Path):
    """Every new instance downloads the package before it answers, so a larger package makes cold starts slower."""
    assert package(tmp_path / "code.zip").stat().st_size < MEBIBYTE // 2
    assert whole.stat().st_size < 20 * MEBIBYTE
    with zipfile.ZipFile(whole) as archive:
        assert sum(entry.file_size for entry in archive.infolist()) < 64 * MEBIBYTE


async def test_the_package_runs_on_the_real_worker_with_nothing_but_its_own_files(
    whole: Path, tmp_path: Path, azurite: Azurite
):
    app = tmp_path / "app"
    with zipfile.ZipFile(whole) as archive:
        archive.extractall(app)
    # An interpreter that has the package's libraries and no others, except the local host's own.
    venv.create(tmp_path / "bare", with_pip=False)
    for name in ("croniter", "dateutil"):
        found = importlib.util.find_spec(name)
        assert found is not None
        assert found.origin is not None
        (tmp_path / "host" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "host" / name).symlink_to(Path(found.origin).parent)
    names = {"CHUNKS_QUEUE": "packaged-chunks", "RECORDINGS_TABLE": "packagedrecordings"}
    settings = {
        "AzureWebJobsStorage": azurite.connection_string,
        "ACS_CONNECTION_STRING": "endpoint=https://contoso.communication.azure.com/;accesskey=a2V5",
        "PYTHONPATH": os.pathsep.join((str(app / DEPENDENCIES), str(tmp_path / "host"))),
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
