"""Everything that Azure and ACS would provide, started together on a laptop and taken down together.

`Stack` is what `make up`, the demo and the acceptance tests share; `azurite` alone serves the integration tests.
"""

from local.stack.azurite import Azurite, azurite
from local.stack.options import LOCAL, Services, StackOptions
from local.stack.processes import ChildError
from local.stack.provision import Resources, provision
from local.stack.stack import Stack

__all__ = ["LOCAL", "Azurite", "ChildError", "Resources", "Services", "Stack", "StackOptions", "azurite", "provision"]
