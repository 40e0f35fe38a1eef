"""What `make up` prints: the addresses, and commands to copy that record a call and show its archived files."""

from rich.console import Console

from local.stack.addresses import Addresses

_FORMAT = "python3 -m json.tool"


def greet(console: Console, addresses: Addresses, address_file: str) -> None:
    console.print("\n[bold green]Callvault is up.[/]\n")
    for name, value in _entries(addresses, address_file):
        console.print(f"  [dim]{name:<17}[/]{value}")
    console.print("\nPaste these into another terminal. README's examples use the same variables.")
    for title, command in commands(addresses):
        console.print(f"\n[bold]{title}[/]")
        console.print(command, style="cyan", markup=False)
    console.print("\nPress [bold]Ctrl-C[/] to stop. Recordings, port and keys are kept for the next start.")


def commands(addresses: Addresses) -> list[tuple[str, str]]:
    """Commands for any POSIX shell. Each uses the variables that the earlier ones set."""
    key = '-H "x-functions-key: $KEY"'
    json_type = "-H 'content-type: application/json'"
    call = f"""curl -s {json_type} -d '{{"kind": "group", "participants": 2}}' {addresses.acs}/calls"""
    start = f"""curl -s {key} {json_type} -d '{{"serverCallId": "'"$CALL"'"}}' $APP/api/recordings"""
    return [
        ("1. Where the app is, and its key:", f"export APP={addresses.functions} KEY={addresses.functions_key}"),
        ("2. Create a call of two people in the simulator:", _capture("CALL", call, "serverCallId")),
        ("3. Record it through the function app:", _capture("ID", start, "recordingId")),
        ("4. Stop the recording:", f'curl -s -X POST {key} "$APP/api/recordings/$ID/stop" | {_FORMAT}'),
        (
            "5. Show the recording. It is archived within seconds:",
            f'curl -s {key} "$APP/api/recordings/$ID" | {_FORMAT}',
        ),
    ]


def _capture(variable: str, command: str, field: str) -> str:
    """Sets a shell variable to a text field of the command's JSON output, and shows it."""
    found = rf"""sed -n 's/.*"{field}": *"\([^"]*\)".*/\1/p'"""
    return f'export {variable}=$({command} | {found}); echo "{variable}=${variable}"'


def _entries(addresses: Addresses, address_file: str) -> list[tuple[str, str]]:
    return [
        ("Operators' page", f"{addresses.functions}/api/dashboard"),
        ("Function app", addresses.functions),
        ("Function key", addresses.functions_key),
        ("Master key", f"{addresses.master_key} (needed to replay)"),
        ("ACS simulator", addresses.acs),
        ("Blob storage", addresses.blob_url),
        ("Logs", str(addresses.logs)),
        ("All addresses", f"{address_file}, with the storage connection string"),
    ]
