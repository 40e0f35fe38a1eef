"""The templates under test: a folder of Bicep files, and what each would deploy with given parameters."""

import json
import shutil
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from infra.check.evaluation import Deployment, Resource, evaluate

INFRA = Path(__file__).parents[2] / "infra"
ACS = "contoso-acs"


@dataclass(frozen=True)
class Templates:
    """`main` with a parameter or two changed, and `events` fed with main's outputs, as deploy.sh does it."""

    folder: Path = INFRA

    def main(self, **params: Any) -> Deployment:
        return _evaluated(self.folder / "main.bicep", json.dumps({"acsName": ACS, **params}))

    def events(self, **params: Any) -> Deployment:
        template = self.folder / "events.bicep"
        outputs = self.main(**params).outputs
        outputs_used = ("functionAppName", "systemTopicName", "acsResourceGroup", "hostStorageName")
        given: dict[str, Any] = {name: str(outputs[name]) for name in outputs_used}
        given |= {name: params[name] for name in params if name == "retentionHours"}
        return _evaluated(template, json.dumps(given))

    def broken(self, into: Path, file: str, old: str, new: str) -> "Templates":
        """A copy with one passage changed, to see who notices."""
        copy = into / "infra"
        shutil.copytree(self.folder, copy, ignore=shutil.ignore_patterns("__pycache__"))
        source = (copy / file).read_text(encoding="utf-8")
        if old not in source:  # no AssertionError, which would be taken for the policy's
            raise LookupError(f"{file} has no {old!r} to break")
        (copy / file).write_text(source.replace(old, new), encoding="utf-8")
        return Templates(copy)


@cache
def _evaluated(template: Path, params: str) -> Deployment:
    """Policies ask for the same few deployments again and again."""
    return evaluate(template, json.loads(params))


def made(deployment: Deployment, type_: str) -> list[Resource]:
    """The resources of a type that the deployment makes, without those it only refers to."""
    return [one for one in deployment.of_type(type_) if not one.existing]


def names(deployment: Deployment, type_: str) -> set[str]:
    return {one.name.rpartition("/")[2] for one in made(deployment, type_)}


def only(deployment: Deployment, type_: str) -> Resource:
    (one,) = made(deployment, type_)
    return one
