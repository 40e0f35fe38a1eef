"""The lists of participants name exactly the chunks whose archived metadata name the person."""

import hashlib
import hmac
import json
from collections.abc import Iterator

from local.simulation.judging.stored import SAFE, Stored
from shared.domain.keys import key_of


class Participants:
    """Judges the lists of participants."""

    def __init__(self, stored: Stored) -> None:
        self._stored = stored

    def violations(self) -> Iterator[str]:
        wanted: set[tuple[str, str]] = set()
        optional: set[tuple[str, str]] = set()
        for chunks in self._stored.chunks().values():
            for chunk in chunks:
                pairs = {
                    (one["participantId"], str(chunk["RowKey"]).removeprefix("chunk-"))
                    for one in self._stored.metadata_of(chunk).get("participants", ())
                }
                (wanted if chunk["state"] in SAFE else optional).update(pairs)
        optional |= self._in_unnamed_files()
        people = {person for person, _ in wanted | optional}
        headings = {self._heading(person): person for person in people}
        listed: set[tuple[str, str]] = set()
        for (_, row), _ in self._stored.rows(self._stored.settings.participants_table):
            person = headings.get("-".join(row.split("-")[:2]))
            if person is None:
                yield f"a list of participants has a chunk of nobody: {row}"
            else:
                listed.add((person, row.rpartition("-")[2]))
        yield from (f"the chunk {key} isn't in the list of {person}" for person, key in sorted(wanted - listed))
        for person, key in sorted(listed - wanted - optional):
            yield f"the list of {person} has the chunk {key}, which doesn't name the person"

    def _in_unnamed_files(self) -> set[tuple[str, str]]:
        """Whom the archive's metadata files name, of which an attempt may have left one that no row names."""
        found: set[tuple[str, str]] = set()
        for name, data in self._stored.blobs(self._stored.settings.archive_container).items():
            if name.endswith(".metadata.json"):
                metadata = json.loads(data)
                key = key_of(metadata["chunkDocumentId"])
                found |= {(one["participantId"], key) for one in metadata["participants"]}
        return found

    def _heading(self, person: str) -> str:
        secret = str(self._stored.settings.participants_secret).encode()
        pseudonym = hmac.digest(secret, person.encode(), hashlib.sha256).hex()
        return f"participant-{hashlib.sha256(pseudonym.encode()).hexdigest()[:32]}"
