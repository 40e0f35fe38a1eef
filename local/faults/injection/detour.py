"""The storage proxy, and the relay to the ACS simulator, that inject faults between the app and its services."""

import contextlib
from collections.abc import AsyncIterator, Mapping

from local.faults.injection.relay import Relay
from local.faults.injection.storage_faults import StorageFaults
from local.faults.injection.storage_proxy import StorageProxy
from local.stack import Services


class Detour:
    """Pass this to a stack as its detour; after that, `relay` can be stopped."""

    def __init__(self, storage_faults: StorageFaults) -> None:
        self.storage_faults = storage_faults
        self.relay: Relay

    @contextlib.asynccontextmanager
    async def __call__(self, services: Services) -> AsyncIterator[Mapping[str, str]]:
        self.relay = Relay(services.acs_tls)
        proxy = StorageProxy(services.storage_connection_string, self.storage_faults)
        async with proxy.running() as storage, self.relay.running() as acs:
            yield {"AzureWebJobsStorage": storage, "ACS_LOCAL_GATEWAY": acs}
