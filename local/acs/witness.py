"""Asks a witness before a document is deleted, so that a test can check storage while the source still exists."""

import aiohttp

from local.acs.documents import Document

_ANSWER_SECONDS = 60


async def asked(url: str, document: Document) -> None:
    """Returns when the witness has answered; raises ClientError when it can't be reached: then nothing is deleted."""
    timeout = aiohttp.ClientTimeout(total=_ANSWER_SECONDS)
    async with (
        aiohttp.ClientSession(timeout=timeout) as session,
        session.post(url, json=await document.described()) as answer,
    ):
        answer.raise_for_status()
