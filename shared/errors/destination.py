"""The customer's own: storage, and the topic for announcements."""

from shared.errors.base import CallvaultError, Fault


class DestinationError(CallvaultError):
    """Retried unless it says otherwise: storage is the customer's own, and what is wrong with it can be mended."""

    fault = Fault.DESTINATION
    retry = True
    status = 503
    reason = "storage-failed"
    title = "The storage account failed"


class DestinationUnavailable(DestinationError):
    reason = "storage-unavailable"
    title = "The storage account cannot be reached or is busy"


class DestinationForbidden(DestinationError):
    reason = "storage-forbidden"
    title = "The storage account refused our identity"


class DestinationConflict(DestinationError):
    retry = False
    status = 409
    reason = "storage-conflict"
    title = "Another file stands where ours belongs"

    @classmethod
    def of(cls, name: str) -> "DestinationConflict":
        """Names the blob, so that an operator can find it."""
        return cls(
            f"the archive holds another file named {name}; nothing was overwritten: move it, then retry the chunk"
        )


class TopicUnavailable(CallvaultError):
    fault = Fault.DESTINATION
    retry = True
    status = 503
    reason = "topic-unavailable"
    title = "The topic for announcements cannot be reached or is busy"


class TopicRefused(TopicUnavailable):
    reason = "topic-refused"
    title = "The topic for announcements refused us"
