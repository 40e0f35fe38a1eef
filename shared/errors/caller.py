"""Errors of the caller. Unless `retry` is true, the same request fails again."""

from dataclasses import dataclass

from shared.errors.base import CallvaultError, Fault

_SEND_LENGTH = (
    "the body arrived empty: Azure Functions drops a body that is sent in chunks, without Content-Length. Send the "
    "request with a Content-Length. In .NET, send a StringContent, or call LoadIntoBufferAsync on the content first "
    "(PostAsJsonAsync sends chunks). In API Management, add the inbound policy set-body, which buffers the body. Logic "
    "Apps send the length."
)


class CallerError(CallvaultError):
    fault = Fault.CALLER
    status = 400
    reason = "invalid-request"
    title = "The request can't be processed"


@dataclass(frozen=True, kw_only=True)
class FieldError:
    """One invalid field of a request: its path, what is wrong, and how to fix it."""

    field: str
    detail: str


class InvalidRequest(CallerError):
    title = "The request isn't valid"

    def __init__(self, detail: str, fields: tuple[FieldError, ...] = ()) -> None:
        super().__init__(detail)
        self.fields = fields

    @classmethod
    def of(cls, field: str, detail: str) -> "InvalidRequest":
        return cls.of_fields(FieldError(field=field, detail=detail))

    @classmethod
    def of_fields(cls, *fields: FieldError) -> "InvalidRequest":
        return cls("; ".join(f"{item.field}: {item.detail}" for item in fields), fields)


class LengthRequired(CallerError):
    """The Functions host passes a body without Content-Length to a Python function as an empty body."""

    status = 411
    reason = "length-required"
    title = "The request body didn't arrive"

    def __init__(self, detail: str = _SEND_LENGTH, *, retry_after: float | None = None) -> None:
        super().__init__(detail, retry_after=retry_after)


class BodyTooLarge(CallerError):
    status = 413
    reason = "body-too-large"
    title = "The request body is too large"

    def __init__(self, limit: int) -> None:
        """`limit`: the maximum size of this body, in bytes."""
        super().__init__(f"body: must have at most {limit} bytes; shorten it, or send events in several requests")


class SignInRequired(CallerError):
    status = 401
    reason = "sign-in-required"
    title = "The caller hasn't signed in"


class ForeignPage(CallerError):
    status = 403
    reason = "foreign-page"
    title = "The request came from a page of another site"


class RoleRequired(CallerError):
    status = 403
    reason = "role-required"
    title = "The caller lacks the app role that this operation requires"

    @classmethod
    def of(cls, role: str) -> "RoleRequired":
        return cls(
            f"this operation requires the app role {role}: assign the role to the caller, or to one of its groups, in "
            "the Entra enterprise application of this app, then get a new token; earlier tokens don't contain the role"
        )


class CallbackRefused(CallerError):
    status = 401
    reason = "callback-unauthorized"
    title = "The callback has no valid token from Azure Communication Services, or its URL has no valid signature"


class CallbacksThrottled(CallerError):
    status = 429
    retry = True
    reason = "callbacks-throttled"
    title = "Too many unreadable callbacks"


class CallbacksOff(CallerError):
    status = 403
    reason = "callbacks-off"
    title = "Callbacks aren't enabled in this app"


class ParticipantsOff(CallerError):
    status = 403
    reason = "participants-off"
    title = "Lists by participant aren't enabled in this app"


class ConsentRequired(CallerError):
    status = 403
    reason = "consent-required"
    title = "This app requires consent to record"


class NotFound(CallerError):
    status = 404
    reason = "not-found"
    title = "Not found"


class CallOver(NotFound):
    """ACS says that the call has ended or doesn't exist, so all its recordings have ended, too."""


class Conflict(CallerError):
    status = 409
    reason = "conflict"
    title = "The state of the call or recording doesn't allow the operation"


class AlreadyRecording(Conflict):
    """A recording of this kind is already running in the call."""


class ConflictForNow(Conflict):
    """The same request may succeed shortly."""

    retry = True


class CallNotReady(ConflictForNow):
    """The call isn't established yet, or is in a state that doesn't allow the operation."""


class NotArchived(CallerError):
    status = 409
    reason = "not-archived"
    title = "The file isn't in the archive"
    retry = True


class ArchivedFileGone(CallerError):
    status = 410
    fault = Fault.DESTINATION
    reason = "archived-file-gone"
    title = "The file is no longer in the archive, or can't be read there"


class ArchivedFileExpired(CallerError):
    status = 410
    reason = "archived-file-expired"
    title = "The archive's lifecycle rule deleted the file"


class RequestInProgress(CallerError):
    status = 409
    reason = "request-in-progress"
    title = "The first request with this Idempotency-Key is still running"
    retry = True


class KeyReused(CallerError):
    status = 422
    reason = "idempotency-key-reused"
    title = "This Idempotency-Key was used for another request"
