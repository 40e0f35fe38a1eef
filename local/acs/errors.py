"""What goes wrong on either side of the simulator, as exceptions that carry their answer.

SimulatorError
|-- AcsError             what ACS itself would answer on the TLS side, in ACS's error body
|-- ConnectionCutError   no answer at all: the connection was reset on purpose
`-- ControlError         a control request that makes no sense, told to the person who sent it
"""

from aiohttp import web


class SimulatorError(Exception):
    """Root of what the simulator raises on purpose."""


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
    """Nobody is left to answer."""


class ControlError(SimulatorError):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def denied(reason: str) -> AcsError:
    """ACS tells a caller nothing of why; the reason stays on the exception, for the request log."""
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
