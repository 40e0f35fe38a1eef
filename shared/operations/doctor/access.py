"""Tries the app's permissions and connections: queues, tables, containers, clock, ACS and its callbacks."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from urllib.parse import urlsplit

from shared.domain.clock import Clock
from shared.errors import (
    CallvaultError,
    DestinationForbidden,
    DestinationUnavailable,
    NewerSchema,
    SourceThrottled,
    SourceUnauthorized,
    SourceUnavailable,
)
from shared.gateways.acs.identities import Identities
from shared.gateways.acs.recorder import CallRecorder
from shared.gateways.acs.signing_keys import SigningKeys
from shared.gateways.blobs.download_links import DownloadLinks, Presented
from shared.gateways.bundle import Gateways
from shared.gateways.clients import Clients
from shared.gateways.own_address import OwnAddress
from shared.gateways.probes import Account, Probes
from shared.operations.checks import Checks, Unanswered, tried
from shared.operations.doctor import sign_in
from shared.operations.doctor.findings import AUDIENCE_FIX, Finding, Level, ok
from shared.settings.settings import Settings

_PATIENCE = 30.0  # seconds for each check; an SDK that can't connect would retry for minutes
_SKEW_TOLERATED, _SKEW_DEADLY = 60.0, 300.0  # seconds; Azure refuses requests signed with a clock 15 minutes off
_NETWORK = "check DNS and any firewall, proxy or private endpoint in between"
_ADDRESS = f"check the name in the settings. If it is right, {_NETWORK}"
_FIXES: tuple[tuple[type[CallvaultError], str], ...] = (
    (
        DestinationForbidden,
        (
            "set the account's current key, or give the identity the roles in docs/templates.md#who-may-do-what, and "
            "allow this network in the account's firewall"
        ),
    ),
    (
        DestinationUnavailable,
        f"if it doesn't exist, create it or correct its name in the settings. If it exists, {_NETWORK}",
    ),
    (NewerSchema, "deploy the newer version of the app again, or go back as in docs/upgrade.md#versions-of-the-data"),
    (SourceUnauthorized, "set the ACS resource's current key, or give the identity a role on the ACS resource"),
    (SourceThrottled, "try again in a minute"),
    (SourceUnavailable, _ADDRESS),
    (Unanswered, _ADDRESS),
)
_FIX = "try again; if the error persists, search for its text in docs/http.md and docs/failures.md"

# The checks that health runs, too, and the runbook of each.
_RUNBOOKS = {
    "deadline": "chunk-near-deadline",
    "poison": "poison-messages",
    "catalogue": "sweep-incomplete",
    "sweep": "sweep-silent",
}

type _Check = Callable[[], Awaitable[list[Finding]]]


class Access:
    """Runs all checks concurrently; each check is independent."""

    def __init__(self, clients: Clients, probes: Probes, clock: Clock, settings: Settings) -> None:
        self._probes, self._clock, self._settings = probes, clock, settings
        self._recorder = CallRecorder(clients.calls)
        self._identities = Identities(clients.calls)
        self._links = DownloadLinks(clients.archive, settings.archive_container)
        self._http = clients.keys
        self._keys = SigningKeys(clients.keys, settings.callback_openid_url)
        gateways = Gateways.over(clients, settings)
        self._schema = gateways.schema
        self._checks = Checks(gateways, clock, settings)

    async def check(self) -> list[Finding]:
        settings = self._settings
        containers = [(Account.ARCHIVE, name) for name in settings.archive_containers]
        containers += [(Account.HOST, name) for name in settings.host_containers]
        checks: list[tuple[str, _Check]] = [
            *((f"queue {name}", partial(self._queue, name)) for name in (settings.chunks_queue, settings.poison_queue)),
            *((f"table {name}", partial(self._table, name)) for name in settings.tables),
            *((f"container {name}", partial(self._container, account, name)) for account, name in containers),
            ("schema of the data", self._schema_version),
            ("links to files", self._signing),
            ("clock", self._time),
            ("ACS", self._acs),
        ]
        if settings.callback_audience is not None:
            checks += [("callback keys", self._signing_keys), ("callback audience", self._audience)]
        if settings.sign_in_replaces_key and settings.callback_url is not None:
            checks.append((sign_in.CHECK, partial(self._sign_in, settings.callback_url)))
        found = await asyncio.gather(*(_findings(*check) for check in checks))
        # Health runs afterwards, because it would count the message that a probe puts into the poison queue.
        return [finding for findings in (*found, await self._health()) for finding in findings]

    async def _queue(self, name: str) -> list[Finding]:
        await self._probes.queue(name)
        return [ok(f"queue {name}", "accepts a message and returns it")]

    async def _health(self) -> list[Finding]:
        """Health's checks of the work. The doctor itself checks the connections."""
        checks = [check for check in (await self._checks.run()).checks if check.name in _RUNBOOKS]
        failed = [
            Finding(
                check=f"health, {check.name}",
                level=Level.WARNING,
                detail=check.detail or "",
                fix=f"follow the runbook docs/operations.md#{_RUNBOOKS[check.name]}",
            )
            for check in checks
            if not check.ok
        ]
        return failed or [ok("health", "no chunk is late, the poison queue is empty, and the sweep runs")]

    async def _table(self, name: str) -> list[Finding]:
        check = f"table {name}"
        if await self._probes.table(name):
            return [ok(check, "accepts and deletes a row")]
        detail = "can be read but not written: enough for an operator, but not for the app or a rebuild"
        fix = "if this is the app's identity, give it the role Storage Table Data Contributor on the account"
        return [Finding(check=check, level=Level.NOTE, detail=detail, fix=fix)]

    async def _container(self, account: Account, name: str) -> list[Finding]:
        found = await self._probes.container(account, name)
        check = f"container {name}"
        if found.is_immutable:
            detail = "accepts a block. The container is immutable, so the doctor didn't commit the block"
            findings = [Finding(check=check, level=Level.NOTE, detail=detail)]
        else:
            findings = [ok(check, "accepts and deletes a file")]
        if found.is_public:
            fix = "disallow anonymous access on the storage account, and make the container private"
            findings.append(Finding(check=check, level=Level.FAILURE, detail="is readable by anyone", fix=fix))
        return findings

    async def _schema_version(self) -> list[Finding]:
        await self._schema.check()
        return [ok("schema of the data", "can be read by this version of the app")]

    async def _signing(self) -> list[Finding]:
        check = "links to files"
        now = self._clock.now()
        shown = Presented(file_name="none", content_type="text/plain", inline=False)
        try:
            await self._links.sign("none", shown, now=now, until=now + self._settings.link_life)
        except DestinationForbidden as error:
            # A warning only: archiving needs no links, and the doctor may run under another identity than the app's.
            fix = "give the app's identity the role Storage Blob Delegator on the archive's account"
            return [Finding(check=check, level=Level.WARNING, detail=f"can't be signed: {error}", fix=fix)]
        return [ok(check, "can be signed")]

    async def _time(self) -> list[Finding]:
        theirs = await self._probes.time(self._settings.archive_container)
        if theirs is None:
            fix = "check that no proxy on the way removes the header Date"
            return [
                Finding(check="clock", level=Level.WARNING, detail="can't be compared: storage sent no Date", fix=fix)
            ]
        ahead = (self._clock.now() - theirs).total_seconds()
        if abs(ahead) < _SKEW_TOLERATED:
            return [ok("clock", "agrees with Azure's clock")]
        side = "ahead of" if ahead > 0 else "behind"
        return [
            Finding(
                check="clock",
                level=Level.FAILURE if abs(ahead) >= _SKEW_DEADLY else Level.WARNING,
                detail=f"is {abs(ahead):.0f} s {side} Azure's clock: deadlines shift by as much, and from 15 minutes "
                "on, Azure refuses keys and tokens",
                fix="synchronize this machine's clock by NTP",
            )
        ]

    async def _acs(self) -> list[Finding]:
        await self._recorder.check()
        return [ok("ACS", "responds and accepts the credential")]

    async def _signing_keys(self) -> list[Finding]:
        if await self._keys.fetch():
            return [ok("callback keys", "can be fetched")]
        fix = "correct CALLBACK_OPENID_URL, or remove the setting"
        return [Finding(check="callback keys", level=Level.FAILURE, detail="none are published", fix=fix)]

    async def _sign_in(self, callback_url: str) -> list[Finding]:
        here = urlsplit(callback_url)
        return await sign_in.check_sign_in(OwnAddress(self._http, f"{here.scheme}://{here.netloc}"))

    async def _audience(self) -> list[Finding]:
        check = "callback audience"
        try:
            resource_id = await self._identities.resource_id()
        except CallvaultError as error:
            # A warning only: recording works without the permission to create users.
            detail = f"can't be compared with the ACS resource's ID: {error}"
            return [Finding(check=check, level=Level.WARNING, detail=detail, fix=AUDIENCE_FIX)]
        if resource_id == str(self._settings.callback_audience).lower():
            return [ok(check, "is the ACS resource's ID")]
        detail = "isn't the ACS resource's ID: every callback is refused"
        return [Finding(check=check, level=Level.FAILURE, detail=detail, fix=AUDIENCE_FIX)]


async def _findings(name: str, check: _Check) -> list[Finding]:
    found = await tried(check(), seconds=_PATIENCE)
    if isinstance(found, CallvaultError):
        fix = next((fix for kind, fix in _FIXES if isinstance(found, kind)), _FIX)
        return [Finding(check=name, level=Level.FAILURE, detail=str(found), fix=fix)]
    return found
