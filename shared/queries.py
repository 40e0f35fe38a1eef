"""What the HTTP functions that only look answer: lists of recordings, the summary, links to archived files."""

from collections.abc import Mapping

from shared.contracts.listquery import parse_list
from shared.listing import Listing
from shared.web import Answer, answer, answering

_PRIVATE = {"Cache-Control": "no-store"}  # what is told of calls is for who asked


class Queries:
    """The HTTP interface for looking. Nothing here raises: a failure is an answer too."""

    def __init__(self, listing: Listing) -> None:
        self._listing = listing

    async def recordings(self, parameters: Mapping[str, str], participant: str | None) -> Answer:
        return await answering(self._recordings(parameters, participant))

    async def _recordings(self, parameters: Mapping[str, str], participant: str | None) -> Answer:
        page = await self._listing.page(parse_list(parameters, participant=participant))
        return answer(page, headers=_PRIVATE)
