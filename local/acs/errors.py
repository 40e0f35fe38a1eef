"""The simulator's errors. Each has its HTTP response.

SimulatorError
|-- AcsError             an error that ACS returns, in ACS's format
|-- ConnectionCutError   no response: a fault reset the connection
`-- ControlError         an invalid request to the control API
"""

from aiohttp import web


class SimulatorError(Exception):
    """The root of the simulator's errors."""


class AcsError(SimulatorError):
    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{status} {code} {message}")
        self.status = status
        self.code = code
        self.message = message

    def response(self) -> web.Response:
        body = {"error": {"code": self.code, "message": self.message}}
        return web.json_response(body, status=self.status)


class ConnectionCutError(SimulatorError):
    """The connection was reset."""


class ControlError(SimulatorError):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def denied(reason: str) -> AcsError:
    """ACS doesn't tell callers the reason. It is only in the exception's notes, for the request log."""
    error = AcsError(401, "Denied", "Denied by the resource provider.")
    error.add_note(reason)
    return error


def invalid_request(message: str) -> AcsError:
    return AcsError(400, "8523", message)


def call_not_found() -> AcsError:
    return AcsError(404, "8522", "Call not found.")


def call_terminated() -> AcsError:
    return AcsError(400, "8528", "Action is invalid when call is terminated.")


def recording_not_found() -> AcsError:
    return AcsError(404, "8522", "Recording not found.")


def document_not_found() -> AcsError:
    return AcsError(404, "NotFound", "The requested object does not exist.")
