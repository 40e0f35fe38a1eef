"""`python -m local.demo` starts the stack, records four calls, waits until they are archived, and verifies the archive.

Exits with 0 if everything is correct, else with 1 and a description of each error.
"""

import asyncio
import sys
import time
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.padding import Padding

from local.demo import announcements, waiting
from local.demo.page import check_page
from local.demo.peers import DemoError, Peers
from local.demo.report import progress, show
from local.demo.scenes import AUTO_RECORD, SCENES, play
from local.demo.verification import discrepancies
from local.processes.interruption import InterruptedBySignalError, interruptible
from local.stack import LOCAL, ChildError, Stack, StackOptions

_PATIENCE = 60.0  # seconds for the pipeline
_POLL = 0.2  # seconds
_ENDED = frozenset({"archived", "incomplete"})
_LONGEST = next(number for number, scene in enumerate(SCENES) if len(scene.lengths) > 1)
_INTERRUPTED = 130  # a shell's exit code for Ctrl-C


def main() -> int:
    console = Console(highlight=False)
    try:
        return asyncio.run(interruptible(_demo(console), with_parent=True))
    except InterruptedBySignalError:
        console.print("Interrupted. No process is left running.")
        return _INTERRUPTED
    except (ChildError, DemoError) as error:
        console.print(f"[bold red]The demo failed.[/] {error}")
        return 1


async def _demo(console: Console) -> int:
    began = time.monotonic()
    console.print("[bold]1.[/] Starting Azurite, the ACS simulator and the function app …")
    options = StackOptions(
        directory=LOCAL / "run", fresh=True, address_file=LOCAL / "stack.json", settings={"AUTO_RECORD": AUTO_RECORD}
    )
    async with Stack(options) as stack, Peers(stack.addresses) as peers:
        console.print(
            f"[bold]2.[/] Recording {len(SCENES)} calls, three by requests and one automatically, with\n"
            f"   {stack.addresses.functions}/api/recordings …"
        )
        played = await asyncio.gather(*(play(scene, peers) for scene in SCENES))
        recording_ids = [recording_id for recording_id, _ in played]
        console.print("[bold]3.[/] ACS sends an event for each recorded file. Callvault archives the files …")
        _, longest = played[_LONGEST]
        views, (exchanges, record) = await asyncio.gather(
            _watch(console, recording_ids, peers), waiting.wait_for_record(longest, peers)
        )
        console.print("\n[bold]4.[/] The archived recordings. Times are relative to each file's event:\n")
        show(console, views)
        console.print("[bold]5.[/] In the meantime, a caller, such as a Logic App, waited for one recording:")
        waiting.show(console, exchanges, record)
        console.print("[bold]6.[/] Callvault announced these events to an Event Grid topic, for other systems:")
        announcements.show(console, await announcements.once_complete(recording_ids, peers))
        console.print("[bold]7.[/] Verifying: comparing the archive with ACS's original files …")
        errors = await discrepancies(views, peers, stack.addresses.storage_connection_string)
        for sentence in errors:
            console.print(f"  [bold red]✗[/] {sentence}")
        if errors:
            console.print(f"\n[bold red]The archive is not correct.[/] Logs: {stack.addresses.logs}")
            return 1
        chunks = sum(len(view["chunks"]) for view in views)
        console.print(
            f"  [bold green]✓[/] {chunks} media files and {chunks} metadata files are identical to the originals.\n"
            "    All sources are deleted. The archive has no other files."
        )
        console.print(f"[bold]8.[/] Checking the operators' page, {stack.addresses.functions}/api/dashboard …")
        console.print(Padding(f"[bold green]✓[/] {await check_page(stack.addresses, views)}", (0, 0, 0, 2)))
    console.print(
        f"\n[bold green]Done in {time.monotonic() - began:.1f} s.[/] To try the stack yourself, run `make up`."
    )
    return 0


async def _watch(console: Console, recording_ids: list[str], peers: Peers) -> list[dict[str, Any]]:
    """Waits until all chunks of every recording have ended, and shows the progress. Returns the recordings."""
    until = time.monotonic() + _PATIENCE
    with Live(console=console, refresh_per_second=8, transient=not console.is_terminal) as live:
        while True:
            views = await asyncio.gather(*map(peers.recording, recording_ids))
            live.update(progress(views))
            if all(view["state"] in _ENDED and _chunks_ended(view) for view in views):
                return views
            if time.monotonic() > until:
                states = ", ".join(f"{view['correlation']}: {view['state']}" for view in views)
                raise DemoError(f"Not all recordings were archived within {_PATIENCE:.0f} s. {states}.")
            await asyncio.sleep(_POLL)


def _chunks_ended(view: dict[str, Any]) -> bool:
    return all(chunk["state"] in {"released", "failed", "lost"} for chunk in view["chunks"])


if __name__ == "__main__":
    sys.exit(main())
