"""Known defects that are installed in a worker, to show that the schedules detect each of them.

A defect replaces one or a few named functions of the product. A name that no longer exists is an error, so that a
mutant without effect isn't reported as detected.
"""

import importlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from local.faults.schedules.scenarios import Scenario

SETTING = "CALLVAULT_FAULTS_MUTANT"


class MutantError(Exception):
    """A defect can't be installed, because the function that it replaces no longer exists."""


@dataclass(frozen=True, kw_only=True)
class Mutant:
    name: str
    defect: str  # a sentence
    scenarios: tuple[Scenario, ...]  # in which it is detected
    install: Callable[[], None]
    oddity: str | None = None  # of all events
    jobs_lost: bool = False  # every message is lost while schedules run
    spoiled: bool = False  # the catalogue contains an unreadable row


_KNOWN: dict[str, Mutant] = {}


def mutant(defect: str, *scenarios: Scenario, **more: Any) -> Callable[[Callable[[], None]], Callable[[], None]]:
    """Registers a function that installs a defect under the function's name."""

    def register(install: Callable[[], None]) -> Callable[[], None]:
        name = install.__name__.replace("_", "-")
        _KNOWN[name] = Mutant(name=name, defect=defect, scenarios=scenarios, install=install, **more)
        return install

    return register


def known() -> dict[str, Mutant]:
    importlib.import_module("local.faults.mutation.defects")
    return _KNOWN


def install_from_environment() -> None:
    """Call this in a worker before the app is created."""
    if name := os.environ.get(SETTING):
        known()[name].install()


def swap(where: str, replacement: Callable[[Any], Any]) -> None:
    """Replaces `module:Class.function` or `module:name` with the result of `replacement`."""
    module_name, _, path = where.partition(":")
    *owners, name = path.split(".")
    try:
        owner: Any = importlib.import_module(module_name)
        for one in owners:
            owner = getattr(owner, one)
        original = getattr(owner, name)
    except (ImportError, AttributeError) as error:
        raise MutantError(f"{where} no longer exists: {error}") from error
    setattr(owner, name, replacement(original))


def swap_property(where: str, getter: Callable[[Any], Any]) -> None:
    swap(where, lambda _: property(getter))
