"""Mutants that change nothing that anybody relies on, each with its reason. Keys: module, line, defect."""

EQUIVALENT: dict[tuple[str, str, str], str] = {
    (
        "shared/archiving/copy/source_file.py",
        "_TRIES = 3",
        "`3` becomes `4`",
    ): "One more request for a range that ACS didn't serve.",
    (
        "shared/archiving/copy/source_file.py",
        "return self.total <= self._block_size",
        "`self.total <= self._block_size` becomes `((self.total) < (self._block_size))`",
    ): "A file of exactly one block is written as a block: the same file, with two more operations.",
    (
        "shared/archiving/pipeline.py",
        "_RECHECK = timedelta(minutes=1)",
        "`1` becomes `2`",
    ): "The next attempt of a chunk whose archive couldn't be checked comes a minute later.",
    (
        "shared/recovery/chunk_check.py",
        "_LEASE_OVER = timedelta(seconds=5)",
        "`5` becomes `6`",
    ): "The sweep checks a chunk a second later.",
    (
        "shared/recovery/chunk_check.py",
        "await self._writers.open_work.remove(item)",
        "`await self._writers.open_work.remove(item)` left out",
    ): "A chunk's row is never removed from the catalogue, so the sweep doesn't find a row of the worklist without it.",
}
