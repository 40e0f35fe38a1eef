"""What stands between the app and its services during a batch: the storage proxy, and the relay to the simulator."""

import contextlib
from collections.abc import AsyncIterator, Mapping

from local.faults.relay import Relay
from local.faults.storageproxy import StorageProxy
from local.faults.troubles import Troubles
from local.stack import Services


class Detour:
    """To be given to a stack as its detour; afterwards `relay` can be made to die."""

    def __init__(self, troubles: Troubles) -> None:
        self.troubles = troubles
        self.relay: Relay

    @contextlib.asynccontextmanager
    async def __call__(self, services: Services) -> AsyncIterator[Mapping[str, str]]:
        self.relay = Relay(services.acs_tls)
        proxy = StorageProxy(services.storage_connection_string, self.troubles)
        async with proxy.running() as storage, self.relay.running() as acs:
            yield {"AzureWebJobsStorage": storage, "ACS_LOCAL_GATEWAY": acs}
