"""The app's settings in the simulation: as in production, but small.

Blocks are small, so that small files have several. The worklist has four partitions: reading sixteen, most of them
empty, would be half of the calls of a run, and work items would rarely share a partition.
"""

import functools
from dataclasses import dataclass

from local.simulation.world.callback_tokens import AUDIENCE
from shared.settings.settings import Settings, load_settings

_BLOCK = 1024  # bytes
_SHARDS = "0123"


@dataclass(frozen=True, kw_only=True)
class Setup:
    """The settings in which runs differ."""

    callbacks: bool = False  # whether ACS reports the state of recordings and calls to the app
    requires_consent: bool = False
    auto_record: str = "off"

    def __str__(self) -> str:
        parts = ["callbacks" if self.callbacks else "no callbacks", f"AUTO_RECORD {self.auto_record}"]
        return ", ".join([*parts, *(["consent required"] if self.requires_consent else [])])


class _Small(Settings):
    @property
    def worklist_shards(self) -> str:
        return _SHARDS

    @property
    def block_size(self) -> int:
        return _BLOCK


@functools.cache
def simulated_settings(setup: Setup = Setup()) -> Settings:
    followed = {
        "callback_url": "https://callvault.example/api/callbacks",
        "callback_secret": "simulated-callbacks-simulated-callbacks",
        "callback_audience": AUDIENCE,
    }
    settings = load_settings(
        acs_connection_string="endpoint=https://memory.communication.azure.com/;accesskey=a2V5",
        AzureWebJobsStorage="AccountName=memory;AccountKey=a2V5",
        participants_secret="simulated-secret-simulated-secret",
        require_consent=setup.requires_consent,
        auto_record=setup.auto_record,
        **(followed if setup.callbacks else {}),
    )
    return _Small.model_construct(**dict(settings))
