"""`python -m local.demo`: starts the stack, records four calls, waits for the archive, shows it and verifies it.

Exits with 0 when all is as promised, else with 1 and what went wrong.
"""

import asyncio
import sys
import time
from typing import Any

from rich.console import Console
from rich.live import Live

from local.demo import news, waiting
from local.demo.page import looked_at
from local.demo.peers import DemoError, Peers
from local.demo.report import progress, show
from local.demo.scenes import AUTO_RECORD, SCENES, play
from local.demo.verification import discrepancies
from local.stack import LOCAL, ChildError, Stack, StackOptions
from local.stack.interruption import InterruptedBySignalError, interruptible

_PATIENCE = 60.0  # seconds that the pipeline may take
_POLL = 0.2  # seconds between two looks at it
_ENDED = frozenset({"archived", "incomplete"})
_LONGEST = next(number for number, scene in enumerate(SCENES) if len(scene.lengths) > 1)
_INTERRUPTED = 130  # what a shell answers for Ctrl-C


def main() -> int:
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 150)
    try:
        return asyncio.run(interruptible(_demo(console), with_parent=True))
    except InterruptedBySignalError:
        console.print("Interrupted. Nothing is running any more.")
        return _INTERRUPTED
    except (ChildError, DemoError) as error:
        console.print(f"[bold red]The demo could not go on.[/] {error}")
        return 1


async def _demo(console: Console) -> int:
    began = time.monotonic()
    console.print("[bold]1.[/] Starting Azurite, the ACS simulator and the function app …")
    options = StackOptions(
        directory=LOCAL / "run", fresh=True, address_file=LOCAL / "stack.json", settings={"AUTO_RECORD": AUTO_RECORD}
    )
    async with Stack(options) as stack, Peers(stack.addresses) as peers:
        console.print(
            f"[bold]2.[/] Recording {len(SCENES)} calls through {stack.addresses.functions}/api/recordings, "
            "the last of them unasked …"
        )
        played = await asyncio.gather(*(play(scene, peers) for scene in SCENES))
        recording_ids = [recording_id for recording_id, _ in played]
        console.print("[bold]3.[/] ACS announces the files; every chunk is on its way …")
        _, longest = played[_LONGEST]
        views, (said, record) = await asyncio.gather(
            _watch(console, recording_ids, peers), waiting.waited(longest, peers)
        )
        console.print("\n[bold]4.[/] From event to released, times counted from the event:\n")
        show(console, views)
        console.print("[bold]5.[/] Meanwhile a caller, a Logic App say, waited for the files of one recording:")
        waiting.show(console, said, record)
        console.print("[bold]6.[/] What an Event Grid topic was told meanwhile, for whoever works on:")
        news.show(console, await news.heard(recording_ids, peers))
        console.print("[bold]7.[/] Reading the archive back and comparing it with ACS's originals …")
        wrong = await discrepancies(views, peers, stack.addresses.storage_connection_string)
        for sentence in wrong:
            console.print(f"  [bold red]✗[/] {sentence}")
        if wrong:
            console.print(f"\n[bold red]Not what was promised.[/] Logs: {stack.addresses.logs}")
            return 1
        console.print(f"[bold]8.[/] Looking at the page, {stack.addresses.functions}/api/dashboard …")
        seen = await looked_at(stack.addresses, views)
    chunks = sum(len(view["chunks"]) for view in views)
    console.print(
        f"  [bold green]✓[/] {chunks} media files and {chunks} metadata files are byte for byte the originals, "
        f"all sources are deleted, nothing else is in the archive.\n"
        f"  [bold green]✓[/] {seen}.\n"
        f"\n[bold green]Done in {time.monotonic() - began:.1f} s.[/] `make up` keeps the stack running to play with."
    )
    return 0


async def _watch(console: Console, recording_ids: list[str], peers: Peers) -> list[dict[str, Any]]:
    """Looks until every recording's files are archived, or one can't be; the views as they are then."""
    until = time.monotonic() + _PATIENCE
    with Live(console=console, refresh_per_second=8, transient=not console.is_terminal) as live:
        while True:
            views = await asyncio.gather(*map(peers.recording, recording_ids))
            live.update(progress(views))
            if all(view["state"] in _ENDED and _settled(view) for view in views):
                return views
            if time.monotonic() > until:
                states = ", ".join(f"{view['correlation']}: {view['state']}" for view in views)
                raise DemoError(f"After {_PATIENCE:.0f} s not everything is archived: {states}.")
            await asyncio.sleep(_POLL)


def _settled(view: dict[str, Any]) -> bool:
    return all(chunk["state"] in {"released", "failed", "lost"} for chunk in view["chunks"])


if __name__ == "__main__":
    sys.exit(main())
