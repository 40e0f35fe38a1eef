"""Local stand-ins for Azure and ACS, started and stopped together.

`make up`, the demo and the acceptance tests use `Stack`. The integration tests use `azurite` alone.
"""

from local.processes.child_processes import ChildError
from local.stack.azurite import Azurite, azurite
from local.stack.options import LOCAL, Services, StackOptions
from local.stack.provision import Resources, provision
from local.stack.stack import Stack

__all__ = ["LOCAL", "Azurite", "ChildError", "Resources", "Services", "Stack", "StackOptions", "azurite", "provision"]
