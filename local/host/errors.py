"""The errors of the host: at its start, while it runs, and in one invocation.

HostError
  ConfigError           the app's or the host's settings are invalid: the host does not start
  StorageLost           a queue's storage was unreachable for too long: the host stops
  IndexingFailed        the worker could not load the app: the host does not start
  InvocationFailed      one invocation failed; its trigger decides what follows
    WorkerLost          ... because its worker process ended
    InvocationTimedOut  ... because it exceeded functionTimeout, which ends its worker
"""


class HostError(Exception): ...


class ConfigError(HostError): ...


class IndexingFailed(HostError):
    def __init__(self, message: str, traceback: str) -> None:
        super().__init__(message)
        self.traceback = traceback


class StorageLost(HostError): ...


class InvocationFailed(HostError):
    def __init__(self, message: str, traceback: str = "") -> None:
        super().__init__(message)
        self.traceback = traceback


class WorkerLost(InvocationFailed):
    def __init__(self, pid: int) -> None:
        super().__init__(f"worker process {pid} ended during the invocation")


class InvocationTimedOut(InvocationFailed): ...
