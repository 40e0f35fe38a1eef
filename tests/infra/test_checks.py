"""The checks of the templates see what a compiler would see, so that a mistake doesn't wait for a deployment."""

from pathlib import Path

import pytest

from infra.check import names, scan
from infra.check.__main__ import further
from infra.check.evaluation import evaluate, parameters_of
from infra.check.functions import Runtime
from infra.check.syntax import BicepError, read
from tests.infra.templates import INFRA

CHECKOV = INFRA.parent / ".checkov/bin/python"
ACCOUNT = "Microsoft.Storage/storageAccounts@2025-06-01"
MODULE = "@description('x')\nparam size int\noutput twice int = size * 2\n"

WRONG = {
    "isn't declared": "output a string = b",
    "is declared twice": "var a = 1\nvar a = 2\noutput b int = a",
    "a isn't used": "var a = 1",
    "has no description": "param a string\noutput b string = a",
    "@minlength isn't known": "@description('x')\n@minlength(3)\nparam a string\noutput b string = a",
    "the function concatenate isn't known": "output a string = concatenate('a', 'b')",
    "reads keys": f"resource a '{ACCOUNT}' existing = {{ name: 'a' }}\noutput b object = listKeys(a.id, '2025-06-01')",
    "changes from one deployment": "output a string = utcNow()",
    "module missing.bicep not found": "module a 'missing.bicep' = { name: 'a' }",
    "needs a download": "module a 'br/public:avm/x:1.0' = { name: 'a' }",
    "has no parameter length": "module a 'inner.bicep' = { name: 'a', params: { size: 1, length: 2 } }",
    "needs the parameter size": "module a 'inner.bicep' = { name: 'a' }",
    "has no output thrice": (
        "module a 'inner.bicep' = { name: 'a', params: { size: 1 } }\noutput b int = a.outputs.thrice"
    ),
    "file missing.json not found": "output a object = loadJsonContent('missing.json')",
}
UNDEPLOYABLE = {
    "must be known before": (
        f"resource a '{ACCOUNT}' existing = {{ name: 'a' }}\nresource b '{ACCOUNT}' = {{ name: a.properties.x }}"
    ),
    "a isn't deployed": f"resource a '{ACCOUNT}' = if (false) {{ name: 'a' }}\noutput b string = a!.properties.x",
    "the parameter a is missing": "param a string\noutput b string = a",
    "breaks @maxLength": "@maxLength(2)\nparam a string = 'abc'\noutput b string = a",
    "breaks @allowed": "@allowed(['x'])\nparam a string = 'y'\noutput b string = a",
    "must be of type int": "param a int = 'b'\noutput c int = a",
    "name an owner": "param a string = ''\noutput b string = empty(a) ? fail('a: name an owner') : a",
    "there is no b": "var a = { c: 1 }\noutput d int = a.b",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "inner.bicep").write_text(MODULE)
    return tmp_path


def written(folder: Path, source: str) -> Path:
    file = folder / "outer.bicep"
    file.write_text(source)
    return file


@pytest.mark.parametrize("message", WRONG)
def test_an_error_is_reported_with_its_location(folder: Path, message: str):
    (finding,) = names.findings(written(folder, WRONG[message]))
    assert message in finding
    assert finding.startswith("outer.bicep")


def test_a_new_guid_makes_a_secret_and_nothing_else(folder: Path):
    made = "@description('x')\n@secure()\nparam a string = '${newGuid()}'\noutput b int = length(a)"
    assert not list(names.findings(written(folder, made)))
    read.cache_clear()
    (finding,) = names.findings(written(folder, made.replace("@secure()\n", "")))
    assert "newGuid changes from one deployment" in finding


@pytest.mark.parametrize("message", UNDEPLOYABLE)
def test_what_azure_would_refuse_is_refused_here(folder: Path, message: str):
    with pytest.raises(BicepError, match=message):
        evaluate(written(folder, UNDEPLOYABLE[message]), {})


@pytest.mark.parametrize(
    "source", ["var a = {", "param a string b", "var a = { ...b }", "import * as a from 'b.bicep'"]
)
def test_a_file_that_cannot_be_read_in_full_is_refused(folder: Path, source: str):
    with pytest.raises(BicepError):
        read(written(folder, source))


def test_a_parameter_file_names_parameters_that_its_template_has(folder: Path):
    given = folder / "inner.bicepparam"
    given.write_text("using 'inner.bicep'\n\nparam length = 2\n")
    assert [one.partition(": ")[2] for one in names.parameter_findings(given)] == [
        "inner.bicep has no parameter length",
        "inner.bicep needs the parameter size",
    ]
    right = folder / "right.bicepparam"
    right.write_text("using 'inner.bicep'\n\nparam size = 2\n")
    assert not list(names.parameter_findings(right))
    assert evaluate(*parameters_of(right)).outputs == {"twice": 4}


def test_expressions_mean_what_they_mean_in_bicep(folder: Path):
    source = """
    var list = [for (item, i) in ['a', 'b']: '${item}${i}']
    var both = union({ a: { b: 1 } }, { a: { c: 2 } })
    output chosen string = list[1] == 'b1' ? both.?d ?? 'none' : list[0]
    output last string = false ? list[0] : list[1]
    output merged object = both
    output empties bool = empty('') && !empty([1])
    """
    found = evaluate(written(folder, "\n".join(line.strip() for line in source.splitlines())), {}).outputs
    expected = {"chosen": "none", "last": "b1", "merged": {"a": {"b": 1, "c": 2}}, "empties": True}
    assert found == expected


def test_what_azure_alone_knows_stays_told_apart(folder: Path):
    file = written(
        folder, f"resource a '{ACCOUNT}' existing = {{ name: 'a' }}\noutput b string = 'x-${{a.properties.y}}'"
    )
    value = evaluate(file, {}).outputs["b"]
    assert isinstance(value, Runtime)
    assert value.endswith("/storageAccounts/a.properties.y")


def test_the_scan_sees_a_weak_setting_and_a_file_it_cannot_read(folder: Path):
    weak = "resource a '{0}' = {{\n  name: 'a'\n  properties: {{\n    allowBlobPublicAccess: true\n  }}\n}}\n"
    written(folder, weak.format(ACCOUNT))
    (folder / "odd.bicep").write_text("var a = true\n  ? 1\n  : 2\n")
    found = list(scan.findings(folder, CHECKOV))
    assert any("can't parse" in finding and "odd.bicep" in finding for finding in found)
    assert any("CKV_AZURE_" in finding and "outer.bicep" in finding for finding in found)


def test_the_scan_reads_a_template_that_ends_a_deployment_by_itself(folder: Path):
    weak = "resource a '{0}' = {{\n  name: true ? 'a' : fail('no')\n  properties: {{\n    {1}\n  }}\n}}\n"
    file = written(folder, weak.format(ACCOUNT, "allowBlobPublicAccess: true"))
    found = list(scan.findings(folder, CHECKOV))
    assert not any("can't parse" in finding for finding in found)
    assert any("CKV_AZURE_" in finding and file.name in finding for finding in found)


def test_templates_are_scanned_again_once_they_or_the_scan_changed(folder: Path, tmp_path: Path):
    """`python` here is one that scans nothing: only what isn't scanned at all passes."""
    clean, nothing = tmp_path / "clean", Path("/bin/false")
    (finding,) = scan.findings_since(clean, folder, nothing)
    assert finding == "checkov gave no report"
    assert not clean.exists(), "what wasn't read isn't clean"
    clean.write_text(scan.subject(folder))
    assert not list(scan.findings_since(clean, folder, nothing))
    written(folder, "var a = 1\n")
    assert list(scan.findings_since(clean, folder, nothing))


def test_a_check_of_the_caller_s_own_sees_each_file(folder: Path):
    files = sorted([written(folder, "var a = 1"), folder / "inner.bicep"])
    assert not list(further("", files))
    assert not list(further("grep -q .", files))
    assert [*further("grep -q twice", files)] == ["outer.bicep: BICEP_CHECK found: "]


def test_every_skipped_finding_has_its_reason():
    assert all(len(reason) > 40 for reason in scan.SKIPPED.values())
