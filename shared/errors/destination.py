"""Errors of the customer's storage accounts and announcement topic."""

from shared.errors.base import CallvaultError, Fault


class DestinationError(CallvaultError):
    """Retried unless a subclass says otherwise: the customer can fix the cause."""

    fault = Fault.DESTINATION
    retry = True
    status = 503
    reason = "storage-failed"
    title = "The storage account failed"


class DestinationUnavailable(DestinationError):
    reason = "storage-unavailable"
    title = "The storage account is unavailable or busy"

    @classmethod
    def contended(cls, row: str) -> "DestinationUnavailable":
        """For a conditional write that failed at each try. `row` says what it would have written."""
        return cls(f"could not update {row}: another process changed it at each try; try again")


class DestinationForbidden(DestinationError):
    reason = "storage-forbidden"
    title = "The storage account refused Callvault's identity"


class DestinationConflict(DestinationError):
    retry = False
    status = 409
    reason = "storage-conflict"
    title = "A file in the archive isn't the expected one"

    @classmethod
    def of(cls, name: str, flaw: str | None = None) -> "DestinationConflict":
        """Names the blob, so that an operator can find it, and says what is wrong with it, if that is known."""
        because = "" if flaw is None else f" ({flaw})"
        return cls(
            f"the archive contains a different file named {name}{because}, which was not overwritten: move that file, "
            "then replay the chunk"
        )


class TopicUnavailable(CallvaultError):
    fault = Fault.DESTINATION
    retry = True
    status = 503
    reason = "topic-unavailable"
    title = "The announcement topic is unavailable or busy"


class TopicRefused(TopicUnavailable):
    reason = "topic-refused"
    title = "The announcement topic refused the request"
