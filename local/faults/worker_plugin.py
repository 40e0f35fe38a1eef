"""The worker's plugin: `--worker-plugin local.faults.worker_plugin`. Its import installs what settings ask for."""

import os
from pathlib import Path

from local.faults.injection import compressed_clock, crashes
from local.faults.injection.crash_orders import DIRECTORY_SETTING, OrderBook
from local.faults.mutation import mutants

if compression := compressed_clock.Compression.of(os.environ):
    compressed_clock.install(compression)
mutants.install_from_environment()
crashes.install(OrderBook(Path(os.environ[DIRECTORY_SETTING])))
