"""What can go wrong in the host: before it is started, and in one invocation.

HostError
  ConfigError           the app's or the laptop's settings are wrong: the host does not start
  StorageLost           a queue's storage was away for too long: the host ends itself
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
