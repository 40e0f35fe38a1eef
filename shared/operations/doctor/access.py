"""What the app may do and whom it reaches, tried for real: queues, tables, containers, clock, ACS and its callbacks."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from urllib.parse import urlsplit

from shared.domain.clock import Clock
from shared.errors import (
    CallvaultError,
    DestinationForbidden,
    DestinationUnavailable,
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
from shared.gateways.front_door import FrontDoor
from shared.gateways.probes import Probes
from shared.operations.checks import Checks, Unanswered, tried
from shared.operations.doctor import sign_in
from shared.operations.doctor.findings import AUDIENCE_MEND, Finding, Level, ok
from shared.settings.settings import Settings

_PATIENCE = 30.0  # seconds for each look; an SDK that finds nobody would try for minutes
_SKEW_TOLERATED, _SKEW_DEADLY = 60.0, 300.0  # seconds; requests signed fifteen minutes off are refused
_NETWORK = "look at the name, at DNS, and at firewall, proxy and private endpoints between here and there"
_MENDS: tuple[tuple[type[CallvaultError], str], ...] = (
    (
        DestinationForbidden,
        "set the account's current key; or give the identity the roles in docs/deploy.md, and let its network through",
    ),
    (DestinationUnavailable, f"create it, or mend its name in the settings; if it is there: {_NETWORK}"),
    (SourceUnauthorized, "set the ACS resource's current key; or give the identity a role on the ACS resource"),
    (SourceThrottled, "try again in a minute"),
    (SourceUnavailable, _NETWORK),
    (Unanswered, _NETWORK),
)
_MEND = "try again; if it stays, look for what it says in README, under When things go wrong"

_OF_WORK = frozenset({"deadline", "poison", "catalogue", "sweep"})  # checks of health
_RUNBOOK = "see the runbooks in docs/operations.md"

type _Look = Callable[[], Awaitable[list[Finding]]]


class Access:
    """Tries everything at once; each look stands for itself."""

    def __init__(self, clients: Clients, probes: Probes, clock: Clock, settings: Settings) -> None:
        self._probes, self._clock, self._settings = probes, clock, settings
        self._recorder = CallRecorder(clients.calls)
        self._identities = Identities(clients.calls)
        self._links = DownloadLinks(clients.archive, settings.archive_container)
        self._http = clients.keys
        self._keys = SigningKeys(clients.keys, settings.callback_openid_url)
        self._checks = Checks(Gateways.over(clients, settings), clock, settings)

    async def tried(self) -> list[Finding]:
        settings = self._settings
        looks: list[tuple[str, _Look]] = [
            *((f"queue {name}", partial(self._queue, name)) for name in (settings.chunks_queue, settings.poison_queue)),
            *((f"table {name}", partial(self._table, name)) for name in settings.tables),
            *((f"container {name}", partial(self._container, name)) for name in settings.archive_containers),
            *((f"container {name}", partial(self._container, name, of_host=True)) for name in settings.host_containers),
            ("links to files", self._signing),
            ("clock", self._time),
            ("ACS", self._acs),
        ]
        if settings.callback_audience is not None:
            looks += [("callback keys", self._signing_keys), ("callback audience", self._audience)]
        if settings.sign_in_replaces_key and settings.callback_url is not None:
            looks.append((sign_in.CHECK, partial(self._sign_in, settings.callback_url)))
        found = await asyncio.gather(*(_looked(*look) for look in looks))
        # Afterwards: the message that a probe hides in the poison queue counts as one that stays there.
        return [finding for findings in (*found, await self._health()) for finding in findings]

    async def _queue(self, name: str) -> list[Finding]:
        await self._probes.queue(name)
        return [ok(f"queue {name}", "takes a message and gives it back")]

    async def _health(self) -> list[Finding]:
        """What health reports of the work: what can't be reached is reported by the doctor's own checks."""
        checks = [check for check in (await self._checks.run()).checks if check.name in _OF_WORK]
        failed = [
            Finding(check=f"health, {check.name}", level=Level.WARNING, detail=check.detail or "", mend=_RUNBOOK)
            for check in checks
            if not check.ok
        ]
        return failed or [ok("health", "no chunk is late, nothing is poison, and the sweep runs")]

    async def _table(self, name: str) -> list[Finding]:
        check = f"table {name}"
        if await self._probes.table(name):
            return [ok(check, "takes a row and deletes it")]
        detail = "can be read and not written: right for an operator, and too little for the app or a rebuild"
        mend = "if this is the app's identity: give it the role Storage Table Data Contributor on the account"
        return [Finding(check=check, level=Level.NOTE, detail=detail, mend=mend)]

    async def _container(self, name: str, *, of_host: bool = False) -> list[Finding]:
        found = await self._probes.container(name, of_host=of_host)
        check = f"container {name}"
        if found.is_immutable:
            told = [Finding(check=check, level=Level.NOTE, detail="takes a block; is immutable, so none was kept")]
        else:
            told = [ok(check, "takes a file and deletes it")]
        if found.is_public:
            mend = "disallow anonymous access on the storage account, and make the container private"
            told.append(Finding(check=check, level=Level.FAILURE, detail="is open to the whole internet", mend=mend))
        return told

    async def _signing(self) -> list[Finding]:
        check = "links to files"
        now = self._clock.now()
        shown = Presented(file_name="none", content_type="text/plain", inline=False)
        try:
            await self._links.sign("none", shown, now=now, until=now + self._settings.link_life)
        except DestinationForbidden as error:
            # What is archived is archived without them; and who runs the doctor may not be the app.
            mend = "give the app's identity the role Storage Blob Delegator on the archive's account"
            return [Finding(check=check, level=Level.WARNING, detail=f"can't be signed: {error}", mend=mend)]
        return [ok(check, "can be signed")]

    async def _time(self) -> list[Finding]:
        theirs = await self._probes.time(self._settings.archive_container)
        if theirs is None:
            mend = "see that nothing between here and there takes the header Date away"
            return [Finding(check="clock", level=Level.WARNING, detail="storage doesn't tell the time", mend=mend)]
        ahead = (self._clock.now() - theirs).total_seconds()
        if abs(ahead) < _SKEW_TOLERATED:
            return [ok("clock", "agrees with Azure's")]
        side = "ahead of" if ahead > 0 else "behind"
        return [
            Finding(
                check="clock",
                level=Level.FAILURE if abs(ahead) >= _SKEW_DEADLY else Level.WARNING,
                detail=f"is {abs(ahead):.0f} s {side} Azure's: deadlines shift by that, and at 15 minutes keys and "
                "tokens are refused",
                mend="have the clock of this machine set by NTP",
            )
        ]

    async def _acs(self) -> list[Finding]:
        await self._recorder.check()
        return [ok("ACS", "answers, and takes the credential")]

    async def _signing_keys(self) -> list[Finding]:
        if await self._keys.fetch():
            return [ok("callback keys", "can be had")]
        mend = "mend CALLBACK_OPENID_URL, or remove it"
        return [Finding(check="callback keys", level=Level.FAILURE, detail="none are published", mend=mend)]

    async def _sign_in(self, callback_url: str) -> list[Finding]:
        here = urlsplit(callback_url)
        return await sign_in.looked(FrontDoor(self._http, f"{here.scheme}://{here.netloc}"))

    async def _audience(self) -> list[Finding]:
        check = "callback audience"
        try:
            resource_id = await self._identities.resource_id()
        except CallvaultError as error:
            # Recording needs no users, so whoever may not make them has no failure to mend.
            detail = f"can't be compared with the ACS resource's id: {error}"
            return [Finding(check=check, level=Level.WARNING, detail=detail, mend=AUDIENCE_MEND)]
        if resource_id == str(self._settings.callback_audience).lower():
            return [ok(check, "is the ACS resource's id")]
        detail = "is another id than the ACS resource's: every callback is refused"
        return [Finding(check=check, level=Level.FAILURE, detail=detail, mend=AUDIENCE_MEND)]


async def _looked(check: str, look: _Look) -> list[Finding]:
    found = await tried(look(), seconds=_PATIENCE)
    if isinstance(found, CallvaultError):
        mend = next((mend for kind, mend in _MENDS if isinstance(found, kind)), _MEND)
        return [Finding(check=check, level=Level.FAILURE, detail=str(found), mend=mend)]
    return found
