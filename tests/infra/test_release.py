"""A release: an SBOM of what the package contains, and notes whose button deploys exactly this package."""

import json
import sys
import zipfile
from pathlib import Path
from urllib.parse import unquote

import pytest

from infra.package import CHECKOUT, DEPENDENCIES
from infra.release import PORTAL, main, notes, sbom
from shared import __version__

TAG = f"v{__version__}"


@pytest.fixture
def package(tmp_path: Path) -> Path:
    path = tmp_path / "callvault.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("function_app.py", "")
        for name, version in (("Typing_Extensions", "4.15.0"), ("azure.core", "1.36.0")):
            metadata = f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\n\nName: not this\n"
            archive.writestr(f"{DEPENDENCIES}/{name}-{version}.dist-info/METADATA", metadata)
    return path


def call(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["release", *arguments])
    return main()


def test_the_sbom_lists_the_libraries_of_the_package_by_their_normalized_names(package: Path):
    found = sbom(package)
    assert [one["purl"] for one in found["components"]] == [
        "pkg:pypi/azure-core@1.36.0",
        "pkg:pypi/typing-extensions@4.15.0",
    ]
    assert found["metadata"]["component"]["version"] == __version__
    assert sbom(package) == found


def test_the_button_deploys_the_template_of_this_tag_and_the_package_is_that_of_this_release():
    text = notes("owner/callvault", TAG)
    link = text.partition(PORTAL)[2].partition(")")[0]
    assert "/" not in link, "the template's address is one part of the portal's"
    assert unquote(link) == f"https://raw.githubusercontent.com/owner/callvault/{TAG}/infra/azuredeploy.json"
    assert (CHECKOUT / "infra/azuredeploy.json").is_file()
    assert f"https://github.com/owner/callvault/releases/download/{TAG}/callvault.zip" in text
    assert "packageUrl" in json.loads((CHECKOUT / "infra/azuredeploy.json").read_text())["parameters"]


def test_the_files_of_a_release_are_written_next_to_the_package(package: Path, monkeypatch: pytest.MonkeyPatch):
    assert call(monkeypatch, "--repository", "owner/callvault", "--tag", TAG, "--package", str(package)) == 0
    assert {file.name for file in package.parent.iterdir()} == {"callvault.zip", "callvault.cdx.json", "notes.md"}
    assert json.loads((package.parent / "callvault.cdx.json").read_text()) == sbom(package)


@pytest.mark.parametrize(
    ("repository", "tag", "message"),
    [
        ("owner/callvault", "v9.9.9", f"the tag v9.9.9 isn't {TAG}"),
        ("callvault", TAG, "--repository must be OWNER/NAME"),
        ("owner/callvault", TAG, "contains no libraries"),
    ],
)
def test_a_wrong_release_is_refused_in_a_sentence(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    repository: str,
    tag: str,
    message: str,
):
    empty = tmp_path / "callvault.zip"
    zipfile.ZipFile(empty, "w").close()
    with pytest.raises(SystemExit, match="2"):
        call(monkeypatch, "--repository", repository, "--tag", tag, "--package", str(empty))
    assert message in capsys.readouterr().err
    assert [file.name for file in tmp_path.iterdir()] == ["callvault.zip"]
