"""The worker's plugin: `--worker-plugin local.faults.plugin`. Importing it installs what the app settings ask for."""

import os
from pathlib import Path

from local.faults import clock, crashes, mutants
from local.faults.orders import DIRECTORY_SETTING, OrderBook

if compression := clock.Compression.of(os.environ):
    clock.install(compression)
mutants.install_from_environment()
crashes.install(OrderBook(Path(os.environ[DIRECTORY_SETTING])))
