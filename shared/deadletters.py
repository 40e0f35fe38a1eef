"""Takes in what Event Grid could not deliver: `python -m shared.deadletters`, and `--apply` to do it.

Each blob of the dead-letter container goes through the same intake as a delivered event, and is deleted only once all
of its events were taken in, so a crash leaves it to be taken in again, which changes nothing. What intake can't read it
keeps in quarantine. A blob that holds anything but events, or an event that isn't Callvault's, stays where it is.
"""

import argparse
import asyncio
import json
import logging
import sys
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from shared.app import App
from shared.clock import SystemClock
from shared.contracts.callstarted import is_call_started
from shared.contracts.events import event_type
from shared.errors import CallvaultError
from shared.gateways.deadletters import DeadLetter, DeadLetters
from shared.intake import Intake, Outcome
from shared.settings import load_settings

_LARGEST = 64 * 1024 * 1024  # bytes; Event Grid delivers no event above 1 MiB, and gathers some in a blob


@dataclass(kw_only=True)
class Counted:
    """What was found and what became of it; `left` holds the names of blobs that stay, with the reason."""

    blobs: int = 0
    types: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    removed: int = 0
    left: dict[str, str] = field(default_factory=dict)

    @property
    def events(self) -> int:
        return self.types.total()


class DeadLetterReplay:
    """Dead letters, delivered after all."""

    def __init__(self, letters: DeadLetters, intake: Intake) -> None:
        self._letters, self._intake = letters, intake

    async def run(self, *, apply: bool) -> Counted:
        """Counts, and with `apply` takes in and removes. Raises DestinationError when the container can't be listed.

        A fault that meets one blob keeps none of the others.
        """
        counted = Counted()
        async for letter in self._letters.all():
            try:
                reason = await self._one(letter, counted, apply=apply)
            except CallvaultError as error:
                reason = str(error)
            if reason is not None:
                counted.left[letter.name] = reason
        return counted

    async def _one(self, letter: DeadLetter, counted: Counted, *, apply: bool) -> str | None:
        """Why the blob has to stay; None when nothing keeps it."""
        counted.blobs += 1
        if letter.size > _LARGEST:
            return f"has more than {_LARGEST} bytes"
        body = await self._letters.read(letter)
        if body is None:
            return None
        events = _events(body)
        if events is None:
            return "holds something else than events"
        counted.types.update(event_type(event) or "without a type" for event in events)
        if not apply:
            return None
        outcomes = [await self._intake.receive(event) for event in events]
        counted.outcomes.update(outcomes)
        ignored = [event for event, outcome in zip(events, outcomes, strict=True) if outcome is Outcome.IGNORED]
        # A call that no rule means was asked for all the same: with it nothing is left to do.
        if any(not is_call_started(event) for event in ignored):
            return "holds an event that Callvault has no use for"
        if not await self._letters.remove(letter):
            return "was written again meanwhile"
        counted.removed += 1
        return None


def _events(body: bytes) -> list[dict[str, Any]] | None:
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        return None
    events = parsed if isinstance(parsed, list) else [parsed]
    return events if events and all(isinstance(event, dict) for event in events) else None


async def _main(*, apply: bool) -> Counted:
    settings = load_settings()
    app = App.over(settings, SystemClock())
    try:
        async with app.clients.blobs(settings.host_storage) as service:
            letters = DeadLetters(service, settings.deadletter_container)
            return await DeadLetterReplay(letters, app.intake).run(apply=apply)
    finally:
        await app.close()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m shared.deadletters", description=__doc__)
    parser.add_argument("--apply", action="store_true", help="take them in and remove them; without it, only count")
    apply = parser.parse_args().apply
    logging.getLogger("azure").setLevel(logging.WARNING)
    try:
        counted = asyncio.run(_main(apply=apply))
    except CallvaultError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{counted.events} events in {counted.blobs} blobs\n")
    for name, count in sorted(counted.types.items()):
        sys.stdout.write(f"  {count} {name}\n")
    if apply:
        told = ", ".join(f"{count} {outcome}" for outcome, count in sorted(counted.outcomes.items())) or "none"
        sys.stdout.write(f"taken in: {told}; {counted.removed} blobs removed\n")
    else:
        sys.stdout.write("Nothing was taken in: this was a dry run. Add --apply to do it.\n")
    for name, reason in counted.left.items():
        sys.stdout.write(f"left: {name}: {reason}\n")
    return 1 if counted.left else 0


if __name__ == "__main__":
    sys.exit(main())
