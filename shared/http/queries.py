"""HTTP functions that only read: lists of recordings, the summary, timelines, and links to archived files."""

from collections.abc import Mapping

from shared.contracts.http.link_query import parse_link
from shared.contracts.http.list_query import parse_list
from shared.contracts.http.quarantine_view import parse_quarantine_query
from shared.http.answers import Answer, answer
from shared.queries.downloads import Downloads, File, Wanted
from shared.queries.quarantine_list import QuarantineList
from shared.queries.recordings import Listing
from shared.queries.summary import Summary
from shared.queries.timeline import Timeline

_PRIVATE = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}  # no cache may keep it


class Queries:
    """Each method raises the errors of its use case; `answering` turns them into problems."""

    def __init__(
        self,
        listing: Listing,
        summary: Summary,
        content: Downloads,
        timeline: Timeline,
        quarantine: QuarantineList,
    ) -> None:
        self._listing, self._summary, self._content, self._timeline = listing, summary, content, timeline
        self._quarantine = quarantine

    async def recordings(self, parameters: Mapping[str, str], participant: str | None, *, by: str) -> Answer:
        page = await self._listing.page(parse_list(parameters, participant=participant), by=by)
        return answer(page, headers=_PRIVATE)

    async def summary(self) -> Answer:
        return answer(await self._summary.read(), headers=_PRIVATE)

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
