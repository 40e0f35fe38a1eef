"""What `make up` shows: where everything is, and commands to copy that take a recording through its whole life."""

import json
import shlex

from rich.console import Console
from rich.table import Table

from local.stack.addresses import Addresses


def greet(console: Console, addresses: Addresses) -> None:
    console.print("\n[bold green]Callvault is up.[/]\n")
    console.print(_places(addresses))
    console.print()
    for title, command in _commands(addresses):
        console.print(f"[bold]{title}[/]")
        console.print(f"  {command}\n", style="cyan", markup=False)
    console.print("[bold]Ctrl-C[/] stops everything; what is stored stays for the next time.")


def _places(addresses: Addresses) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("Functions", addresses.functions)
    table.add_row("Function key", addresses.functions_key)
    table.add_row("ACS simulator", addresses.acs)
    table.add_row("Storage", addresses.storage_connection_string)
    table.add_row("Logs", str(addresses.logs))
    table.add_row("As JSON", ".local/stack.json")
    return table


def _commands(addresses: Addresses) -> list[tuple[str, str]]:
    def post(url: str, body: dict[str, object], *, key: str | None = None) -> str:
        headers = [f"-H {shlex.quote(f'x-functions-key: {key}')}"] if key else []
        return " ".join(
            ["curl -s", *headers, "-H 'content-type: application/json'", f"-d {shlex.quote(json.dumps(body))}", url]
        )

    return [
        ("Make a call in the simulator:", post(f"{addresses.acs}/calls", {"kind": "group", "participants": 2})),
    ]
