"""The doctor's visit: the settings first; and if they are right, all that hangs on them."""

from collections.abc import Mapping

from shared.domain.clock import Clock
from shared.errors import SettingsError
from shared.gateways.clients import Clients
from shared.gateways.probes import Probes
from shared.operations.doctor.access import Access
from shared.operations.doctor.configuration import told_by, wrong
from shared.operations.doctor.findings import Finding
from shared.settings.settings import load_settings


async def examined(environment: Mapping[str, str], clock: Clock) -> list[Finding]:
    """`environment` is this process's own, where the settings are read from, too."""
    try:
        settings = load_settings()
    except SettingsError as error:
        return wrong(error, environment)
    clients = Clients(settings)
    try:
        async with Probes.over(clients, settings) as probes:
            access = await Access(clients, probes, clock, settings).tried()
    finally:
        await clients.close()
    return [*told_by(settings, environment), *access]
