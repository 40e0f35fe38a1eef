"""Processes events that Event Grid could not deliver: `python -m shared.deadletters --apply`.

Without `--apply` it only counts them. A timer of the app processes dead letters every five minutes. Use the command to
see what is in the container, or to process events at once.
"""

import argparse
import asyncio
import logging
import sys

from shared.app import App
from shared.domain.clock import SystemClock
from shared.errors import CallvaultError
from shared.gateways.blobs.dead_letters import DeadLetters
from shared.intake.dead_letters import DeadLetterCounts, DeadLetterReplay
from shared.settings.settings import load_settings
from shared.settings.settings_file import UnusableSettingsFile, add_settings_option, use_settings_file


async def _main(*, apply: bool) -> DeadLetterCounts:
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
    parser.add_argument(
        "--apply", action="store_true", help="process the events and delete their blobs; without it, only count"
    )
    add_settings_option(parser)
    arguments = parser.parse_args()
    apply = arguments.apply
    logging.getLogger("azure").setLevel(logging.WARNING)
    try:
        use_settings_file(arguments.settings)
        counts = asyncio.run(_main(apply=apply))
    except (CallvaultError, UnusableSettingsFile) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{counts.events} events in {counts.blobs} blobs\n")
    for name, count in sorted(counts.types.items()):
        sys.stdout.write(f"  {count} {name}\n")
    if apply:
        outcomes = ", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.outcomes.items())) or "none"
        sys.stdout.write(f"processed: {outcomes}; {counts.removed} blobs removed\n")
    else:
        sys.stdout.write("Dry run: nothing was processed. To process the events, add --apply.\n")
    stay = counts.left | counts.failed
    for name, reason in stay.items():
        sys.stdout.write(f"kept: {name}: {reason}\n")
    return 1 if stay else 0


if __name__ == "__main__":
    sys.exit(main())
