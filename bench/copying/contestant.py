"""`python -m bench.copying.contestant NAME JOB` runs one contestant and prints its measurement as JSON.

A contestant is a module of this package with `run(job, window)`. Its process has only its own imports.
"""

import importlib
import sys

from bench.copying.job import CopyJob
from bench.measurement import Window


def main() -> None:
    name, job = sys.argv[1:]
    window = Window()
    importlib.import_module(f"bench.copying.{name}").run(CopyJob.from_json(job), window)
    print(window.measurement.as_json())


if __name__ == "__main__":
    main()
