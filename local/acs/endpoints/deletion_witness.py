"""Calls a witness before a document is deleted, so that a test can check storage while the source still exists."""

import aiohttp

from local.acs.media.documents import Document

_ANSWER_SECONDS = 60


async def ask_witness(url: str, document: Document) -> None:
    """Waits for the witness's answer. Raises ClientError if it can't be reached, and the document isn't deleted."""
    timeout = aiohttp.ClientTimeout(total=_ANSWER_SECONDS)
    async with (
        aiohttp.ClientSession(timeout=timeout) as session,
        session.post(url, json=await document.described()) as answer,
    ):
        answer.raise_for_status()
