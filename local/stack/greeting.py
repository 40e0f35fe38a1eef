"""What `make up` shows: where everything is, and commands to copy that take a recording through its whole life."""

from rich.console import Console

from local.stack.addresses import Addresses


def greet(console: Console, addresses: Addresses, address_file: str) -> None:
    console.print("\n[bold green]Callvault is up.[/]\n")
    for what, where in _places(addresses, address_file):
        console.print(f"  [dim]{what:<15}[/]{where}")
    for title, command in commands(addresses):
        console.print(f"\n[bold]{title}[/]")
        console.print(command, style="cyan", markup=False)
    console.print("\n[bold]Ctrl-C[/] stops everything; what is stored stays for the next time.")


def commands(addresses: Addresses) -> list[tuple[str, str]]:
    """Lines for any POSIX shell, each using what the one before it found."""
    key = f"-H 'x-functions-key: {addresses.functions_key}'"
    json_type = "-H 'content-type: application/json'"
    recordings = f"{addresses.functions}/api/recordings"
    call = f"""curl -s {json_type} -d '{{"kind": "group", "participants": 2}}' {addresses.acs}/calls"""
    start = f"""curl -s {key} {json_type} -d '{{"serverCallId": "'"$CALL"'"}}' {recordings}"""
    return [
        ("Make a call of two people in the simulator:", _kept("CALL", call, "serverCallId")),
        ("Record it, through the function app:", _kept("RECORDING", start, "recordingId")),
        ("Stop the recording:", f'curl -s {key} -X POST "{recordings}/$RECORDING/stop"'),
        ("See where it is; archived within seconds:", f'curl -s {key} "{recordings}/$RECORDING"'),
    ]


def _kept(variable: str, command: str, field: str) -> str:
    """Keep a text field of the JSON that the command answers, found with what every machine has."""
    found = rf"""sed -n 's/.*"{field}": *"\([^"]*\)".*/\1/p'"""
    return f'{variable}=$({command} | {found}); echo "${variable}"'


def _places(addresses: Addresses, address_file: str) -> list[tuple[str, str]]:
    return [
        ("The page", f"{addresses.functions}/api/dashboard"),
        ("Function app", addresses.functions),
        ("Function key", addresses.functions_key),
        ("Master key", f"{addresses.master_key} (for replays)"),
        ("ACS simulator", addresses.acs),
        ("Blob storage", addresses.blob_url),
        ("Logs", str(addresses.logs)),
        ("All of it", f"{address_file}, with the storage's connection string"),
    ]
