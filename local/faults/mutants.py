"""Known defects, put into a worker on purpose, to show that the schedules see each of them.

A defect replaces one or a few named functions of the product. A name that no longer exists is an error, so that a
mutant without effect isn't reported as detected.
"""

import importlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from local.faults.scenarios import Scenario

SETTING = "CALLVAULT_FAULTS_MUTANT"


class MutantError(Exception):
    """A defect can't be put where it was: the function it replaces is gone."""


@dataclass(frozen=True, kw_only=True)
class Mutant:
    name: str
    defect: str  # a sentence
    scenarios: tuple[Scenario, ...]  # in which it shows
    install: Callable[[], None]
    oddity: str | None = None  # of all events
    jobs_lost: bool = False  # every message is lost while schedules are played
    spoiled: bool = False  # a row that can't be read is in the catalogue


_KNOWN: dict[str, Mutant] = {}


def mutant(defect: str, *scenarios: Scenario, **more: Any) -> Callable[[Callable[[], None]], Callable[[], None]]:
    """Registers a function that installs a defect under the function's name."""

    def register(install: Callable[[], None]) -> Callable[[], None]:
        name = install.__name__.replace("_", "-")
        _KNOWN[name] = Mutant(name=name, defect=defect, scenarios=scenarios, install=install, **more)
        return install

    return register


def known() -> dict[str, Mutant]:
    importlib.import_module("local.faults.defects")
    return _KNOWN


def install_from_environment() -> None:
    """Call this in a worker before the app is created."""
    if name := os.environ.get(SETTING):
        known()[name].install()


def swap(where: str, replacement: Callable[[Any], Any]) -> None:
    """Replaces `module:Class.function` or `module:name` by what `replacement` makes of it."""
    module_name, _, path = where.partition(":")
    *owners, name = path.split(".")
    try:
        owner: Any = importlib.import_module(module_name)
        for one in owners:
            owner = getattr(owner, one)
        original = getattr(owner, name)
    except (ImportError, AttributeError) as error:
        raise MutantError(f"{where} is gone: {error}") from error
    setattr(owner, name, replacement(original))


def swap_property(where: str, getter: Callable[[Any], Any]) -> None:
    swap(where, lambda _: property(getter))
