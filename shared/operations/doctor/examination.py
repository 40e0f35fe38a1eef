"""Runs the doctor's checks: the settings first, and, if they are valid, everything that depends on them."""

from collections.abc import Callable, Mapping

from shared.domain.clock import Clock
from shared.domain.random_source import RandomSource
from shared.errors import SettingsError
from shared.gateways.acs.recorder import CallRecorder
from shared.gateways.clients import Clients
from shared.gateways.probes import Probes
from shared.gateways.tables.catalogue import Catalogue
from shared.operations.doctor.access import Access
from shared.operations.doctor.configuration import invalid_settings, settings_findings
from shared.operations.doctor.findings import Finding
from shared.operations.doctor.trial import Trial
from shared.settings.settings import load_settings


async def examine(environment: Mapping[str, str], clock: Clock) -> list[Finding]:
    """`environment` must be this process's own, because the settings are read from it, too."""
    try:
        settings = load_settings()
    except SettingsError as error:
        return invalid_settings(error, environment)
    clients = Clients(settings)
    try:
        async with Probes.over(clients, settings, RandomSource()) as probes:
            access = await Access(clients, probes, clock, settings).check()
    finally:
        await clients.close()
    return [*settings_findings(settings, environment), *access]


async def record(server_call_id: str, clock: Clock, report: Callable[[str], None]) -> list[Finding]:
    """Records a call, and follows the recording through the deployed app."""
    settings = load_settings()
    clients = Clients(settings)
    try:
        catalogue = Catalogue(clients.tables, settings.recordings_table, RandomSource())
        trial = Trial(CallRecorder(clients.calls), catalogue, clock, report)
        return await trial.run(server_call_id, delete_source=settings.delete_source)
    finally:
        await clients.close()
