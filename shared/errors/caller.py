"""The caller's: the same request fails again, until the caller mends it."""

from dataclasses import dataclass

from shared.errors.base import CallvaultError, Fault

_SEND_LENGTH = (
    "the body arrived empty: Azure Functions drops a body that is sent in chunks, without Content-Length. Send the "
    "request with a Content-Length. In .NET, send a StringContent, or call LoadIntoBufferAsync on the content first "
    "(PostAsJsonAsync sends chunks); a proxy such as API Management must buffer the body. Logic Apps send the length."
)


class CallerError(CallvaultError):
    fault = Fault.CALLER
    status = 400
    reason = "invalid-request"
    title = "The request cannot be carried out"


@dataclass(frozen=True, kw_only=True)
class FieldError:
    """One thing wrong with a request: the field's path, what is wrong and how to mend it."""

    field: str
    detail: str


class InvalidRequest(CallerError):
    title = "The request is not valid"

    def __init__(self, detail: str, fields: tuple[FieldError, ...] = ()) -> None:
        super().__init__(detail)
        self.fields = fields

    @classmethod
    def of(cls, field: str, detail: str) -> "InvalidRequest":
        return cls(f"{field}: {detail}", (FieldError(field=field, detail=detail),))


class LengthRequired(CallerError):
    """The Functions host hands a body without Content-Length to a Python function as an empty one."""

    status = 411
    reason = "length-required"
    title = "The request's body did not arrive"

    def __init__(self, detail: str = _SEND_LENGTH, *, retry_after: float | None = None) -> None:
        super().__init__(detail, retry_after=retry_after)


class BodyTooLarge(CallerError):
    status = 413
    reason = "body-too-large"
    title = "The request's body is too large"

    def __init__(self, limit: int) -> None:
        """`limit`: the most bytes that this body may have."""
        super().__init__(f"body: must have at most {limit} bytes; shorten it, or send events in several requests")


class SignInRequired(CallerError):
    status = 401
    reason = "sign-in-required"
    title = "The caller has not signed in"


class ForeignPage(CallerError):
    status = 403
    reason = "foreign-page"
    title = "A page of another site made this request"


class RoleRequired(CallerError):
    status = 403
    reason = "role-required"
    title = "The caller lacks the app role that this operation needs"

    @classmethod
    def of(cls, role: str) -> "RoleRequired":
        return cls(
            f"this operation needs the app role {role}: assign it to the caller, or to a group of the caller's, in the "
            "Entra enterprise application of this app. Tokens issued before that don't name it: get a new one"
        )


class CallbackRefused(CallerError):
    status = 401
    reason = "callback-unauthorized"
    title = "The callback carries no good token of Azure Communication Services, or its URL no valid signature"


class CallbacksThrottled(CallerError):
    status = 429
    retry = True
    reason = "callbacks-throttled"
    title = "Too many callbacks that Callvault can't read"


class CallbacksOff(CallerError):
    status = 403
    reason = "callbacks-off"
    title = "This app takes no callbacks"


class ParticipantsOff(CallerError):
    status = 403
    reason = "participants-off"
    title = "This app keeps no list of participants"


class ConsentRequired(CallerError):
    status = 403
    reason = "consent-required"
    title = "Nobody is recorded here without consent"


class NotFound(CallerError):
    status = 404
    reason = "not-found"
    title = "Not found"


class CallOver(NotFound):
    """ACS says that the call has ended, or does not exist: so has each recording of it."""


class Conflict(CallerError):
    status = 409
    reason = "conflict"
    title = "The state of the call or recording forbids it"


class AlreadyRecording(Conflict):
    """The call has a running recording of this kind."""


class ConflictForNow(Conflict):
    """The same request may succeed in a moment."""

    retry = True


class CallNotReady(ConflictForNow):
    """The call is not established yet, or in a state that does not allow it."""


class NotArchived(CallerError):
    status = 409
    reason = "not-archived"
    title = "The file is not in the archive"
    retry = True


class ArchivedFileGone(CallerError):
    status = 410
    fault = Fault.DESTINATION
    reason = "archived-file-gone"
    title = "The file is no longer in the archive, or can't be read there"


class ArchivedFileExpired(CallerError):
    status = 410
    reason = "archived-file-expired"
    title = "The file's time in the archive is over"


class RequestInProgress(CallerError):
    status = 409
    reason = "request-in-progress"
    title = "The same request is still being carried out"
    retry = True


class KeyReused(CallerError):
    status = 422
    reason = "idempotency-key-reused"
    title = "This Idempotency-Key was used for another request"
