"""An Azure storage account and ACS in memory, at the level of the SDK's clients.

The product's own gateways run on these clients, so tests of use cases take milliseconds and no behaviour of a gateway
is written twice. Each client has only those methods and parameters that the product uses; any other raises. Where the
emulator Azurite is more lenient than Azure, these clients follow Azure. The contract suite (tests/contract) runs the
same tests on memory and on Azurite.
"""
