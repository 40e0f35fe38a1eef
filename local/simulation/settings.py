"""The app's settings in the simulation: as in production, but with small blocks, so that small files have several."""

import functools

from shared.settings.settings import Settings, load_settings

_BLOCK = 1024  # bytes


class _SmallBlocks(Settings):
    @property
    def block_size(self) -> int:
        return _BLOCK


@functools.cache
def simulated_settings() -> Settings:
    settings = load_settings(
        acs_connection_string="endpoint=https://memory.communication.azure.com/;accesskey=a2V5",
        AzureWebJobsStorage="AccountName=memory;AccountKey=a2V5",
        participants_secret="simulated-secret-simulated-secret",
    )
    return _SmallBlocks.model_construct(**dict(settings))
