"""Imports one module of the app with other source, which an environment variable names: a mutant, in this process.

Importing this module installs it, before the app is imported. pytest does that with `-p`.
"""

import importlib.abc
import importlib.util
import json
import os
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType

from local.simulation.mutation.operators import Mutant

SETTING = "CALLVAULT_SIMULATION_MUTANT"


class _Overlay(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant
        self._name = mutant.path.removesuffix(".py").replace("/", ".")

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        del path, target
        if fullname != self._name:
            return None
        return importlib.util.spec_from_file_location(fullname, os.path.abspath(self._mutant.path), loader=self)  # noqa: PTH100 - as the import system has it

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self._mutant.source(), self._mutant.path, "exec"), module.__dict__)  # noqa: S102 - the mutant


if SETTING in os.environ:
    sys.meta_path.insert(0, _Overlay(Mutant(**json.loads(os.environ[SETTING]))))
