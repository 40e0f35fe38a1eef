"""The caller's: the same request fails again, until the caller mends it."""

from dataclasses import dataclass

from shared.errors.base import CallvaultError, Fault


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


class SignInRequired(CallerError):
    status = 401
    reason = "sign-in-required"
    title = "The caller has not signed in"


class ForeignPage(CallerError):
    status = 403
    reason = "foreign-page"
    title = "A page of another site may not act for who is signed in"


class CallbackRefused(CallerError):
    status = 401
    reason = "callback-unauthorized"
    title = "The callback carries no good token of Azure Communication Services"


class CallbacksOff(CallerError):
    status = 403
    reason = "callbacks-off"
    title = "This app takes no callbacks"


class ConsentRequired(CallerError):
    status = 403
    reason = "consent-required"
    title = "Nobody is recorded here without consent"


class NotFound(CallerError):
    status = 404
    reason = "not-found"
    title = "There is no such thing"


class Conflict(CallerError):
    status = 409
    reason = "conflict"
    title = "The state of the call or recording forbids it"


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
