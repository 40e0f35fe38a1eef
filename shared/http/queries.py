"""HTTP functions that only read: lists of recordings, the summary, timelines, and links to archived files."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from shared.contracts.http.link_query import parse_link
from shared.contracts.http.list_query import parse_list
from shared.contracts.http.quarantine_view import parse_quarantine_query
from shared.http.answers import Answer, answer
from shared.operations.attention import AttentionChecks
from shared.queries.downloads import Downloads, File, Wanted
from shared.queries.quarantine_list import QuarantineList
from shared.queries.recordings import Listing
from shared.queries.summary import Summary
from shared.queries.timeline import Timeline

_PRIVATE = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}  # no cache may keep it


@dataclass(frozen=True, kw_only=True)
class QueryCases:
    """The use cases that the queries call."""

    listing: Listing
    summary: Summary
    attention: AttentionChecks
    content: Downloads
    timeline: Timeline
    quarantine: QuarantineList


class Queries:
    """Each method raises the errors of its use case; `answering` turns them into problems."""

    def __init__(self, cases: QueryCases) -> None:
        self._listing, self._summary, self._attention = cases.listing, cases.summary, cases.attention
        self._content, self._timeline, self._quarantine = cases.content, cases.timeline, cases.quarantine

    async def recordings(self, parameters: Mapping[str, str], participant: str | None, *, by: str) -> Answer:
        page = await self._listing.page(parse_list(parameters, participant=participant), by=by)
        return answer(page, headers=_PRIVATE)

    async def summary(self) -> Answer:
        found, attention = await asyncio.gather(self._summary.read(), self._attention.read())
        checked = {"checked_at": attention.at, "checks": list(attention.checks)}
        return answer(found.model_copy(update=checked), headers=_PRIVATE)

    async def quarantine(self, parameters: Mapping[str, str]) -> Answer:
        return answer(await self._quarantine.page(parse_quarantine_query(parameters)), headers=_PRIVATE)

    async def timeline(self, named: str, *, by: str) -> Answer:
        return answer(await self._timeline.of(named, by=by), headers=_PRIVATE)

    async def link(self, file: File, path: Mapping[str, str], parameters: Mapping[str, str], *, by: str) -> Answer:
        query = parse_link(parameters)
        wanted = Wanted(
            recording=path["recordingId"], document_id=path["documentId"], file=file, inline=query.is_inline
        )
        link = await self._content.link(wanted, by=by)
        if query.redirect:
            return Answer(status=302, body="", headers={**_PRIVATE, "Location": link.url})
        return answer(link, headers=_PRIVATE)
