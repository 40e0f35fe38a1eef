"""The worker process: the real Python worker library with one app, controlled by the host over a channel.

Only the host starts `python -m local.host.worker`. The process ends with the host: the end of the channel ends it, and
on Linux the kernel kills it even if its event loop is blocked. Only the worker library and the standard library are
imported, so the process's memory is the app's.
"""

import argparse
import asyncio
import contextlib
import ctypes
import importlib
import json
import logging
import os
import signal
import socket
import sys
from types import SimpleNamespace
from typing import Any

import azure_functions_runtime as library  # type: ignore[import-untyped] # the library has no type marker
from azure_functions_runtime.utils.executor import invocation_id_cv  # type: ignore[import-untyped] # as above
from azure_functions_runtime.utils.tracing import serialize_exception  # type: ignore[import-untyped] # as above

from local.host.logs import Line, LineHandler, text_of
from local.host.worker import protobuf_stand_ins, protocol
from local.host.worker.channel import Channel
from local.host.worker.lost_lines import loss
from local.host.worker.protocol import Call, Failure, FunctionRecord, Outcome

_PR_SET_PDEATHSIG = 1


def _request(kind: str, body: SimpleNamespace) -> SimpleNamespace:
    return SimpleNamespace(
        request=SimpleNamespace(**{kind: body}), properties={"host": "127.0.0.1", "protos": protobuf_stand_ins}
    )


def _failure_of(error: BaseException) -> Failure:
    described = serialize_exception(error, protobuf_stand_ins)
    return Failure(message=described.message, traceback=described.stack_trace)


def _failure(result: Any) -> Failure:
    return Failure(message=result.exception.message, traceback=result.exception.stack_trace)


class Worker:
    def __init__(self, channel: Channel, app: str) -> None:
        self._channel = channel
        self._app = app
        self._running: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def about(self, record: logging.LogRecord) -> Line:
        """The invocation that logs the line, and the reason if the real worker would lose it."""
        call = invocation_id_cv.get()
        line = {"function": self._running.get(call), "invocation": call} if call else {}
        lost = loss(record, call, self._running)
        return line if lost is None else {**line, "lost": lost}

    async def serve(self) -> None:
        """Indexes the app, then runs the host's calls until the channel ends."""
        indexed = await self._index()
        if isinstance(indexed, Failure):
            await self._channel.send(protocol.unready(indexed))
            return
        await self._channel.send(protocol.ready(indexed))
        while (message := await self._channel.receive()) is not None:
            task = asyncio.create_task(self._run(Call.read(message)))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _index(self) -> list[FunctionRecord] | Failure:
        library.start_threadpool_executor()
        body = SimpleNamespace(capabilities={}, function_app_directory=self._app)
        response = await library.worker_init_request(_request("worker_init_request", body))
        if response.result.status != protobuf_stand_ins.StatusResult.Success:
            return _failure(response.result)
        response = await library.functions_metadata_request(_request("functions_metadata_request", SimpleNamespace()))
        # None if there is no function_app.py.
        functions = [_record(found) for found in response.function_metadata_results or ()]
        self._names = {function.id: function.name for function in functions}
        return functions

    async def _run(self, call: Call) -> None:
        # The library sets this only for sync functions. Each task has its own context, so async functions see it, too.
        invocation_id_cv.set(call.id)
        self._running[call.id] = self._names[call.function_id]
        try:
            result = await self._invoke(call)
        except asyncio.CancelledError:
            # Raised by the function. The library doesn't catch it, so Microsoft's worker never answers (measured).
            return
        finally:
            del self._running[call.id]
        with contextlib.suppress(ConnectionError):
            try:
                await self._channel.send(protocol.ended(call.id, result))
            except TypeError as error:
                await self._channel.send(protocol.ended(call.id, _failure_of(error)))

    async def _invoke(self, call: Call) -> Outcome | Failure:
        body = SimpleNamespace(
            invocation_id=call.id,
            function_id=call.function_id,
            input_data=[
                protobuf_stand_ins.ParameterBinding(name=call.trigger, data=protobuf_stand_ins.TypedData.of(call.data))
            ],
            trigger_metadata={name: protobuf_stand_ins.TypedData.of(value) for name, value in call.metadata.items()},
            trace_context=SimpleNamespace(trace_parent=call.trace_parent, trace_state=call.trace_state, attributes={}),
            retry_context=SimpleNamespace(retry_count=0, max_retry_count=0, exception=None),
        )
        response = await library.invocation_request(_request("invocation_request", body))
        if response.result.status != protobuf_stand_ins.StatusResult.Success:
            return _failure(response.result)
        returned = response.return_value
        return Outcome(returned=returned.typed() if returned is not None else None)


def _record(found: Any) -> FunctionRecord:
    return FunctionRecord(
        id=found.function_id,
        name=found.name,
        bindings=[json.loads(binding) for binding in found.raw_bindings],
        has_retry=found.retry_options is not None,
    )


def _write_lines_to(pipe: int) -> LineHandler:
    def write(line: Line) -> None:
        data = memoryview(text_of(line).encode())
        # The handler's lock keeps lines whole. Without the host, nobody reads the pipe.
        with contextlib.suppress(BrokenPipeError):
            while data:
                data = data[os.write(pipe, data) :]

    return LineHandler(write)


def _die_with(parent: int) -> None:
    """On Linux, the kernel kills this process with the host, even while the app blocks the event loop."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            sys.exit("the host has ended")


async def _serve(arguments: argparse.Namespace) -> None:
    handler = _write_lines_to(arguments.log_fd)
    root = logging.getLogger()
    root.addHandler(handler)
    # As in the real worker: level INFO and above, and the library's own lines stay out of the app's log.
    root.setLevel(logging.INFO)
    logging.getLogger("azure.functions").setLevel(logging.WARNING)
    channel = await Channel.over(socket.socket(fileno=arguments.channel_fd))
    worker = Worker(channel, arguments.app)
    handler.about = worker.about
    if arguments.plugin:
        importlib.import_module(arguments.plugin)
    # The first entry is the directory of this module, which the app must not see.
    sys.path[0] = arguments.app
    os.chdir(arguments.app)
    await worker.serve()
    # Exits at once, because threads and tasks of running functions could delay an orderly end without a limit.
    sys.stdout.flush()
    os._exit(0)


def main() -> None:
    parser = argparse.ArgumentParser(description="A worker process of local.host. Only the host starts it.")
    parser.add_argument("--app", required=True)
    parser.add_argument("--channel-fd", type=int, required=True)
    parser.add_argument("--log-fd", type=int, required=True)
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--plugin")
    arguments = parser.parse_args()
    _die_with(arguments.parent)
    # Otherwise child processes of the app would keep them open.
    for descriptor in (arguments.channel_fd, arguments.log_fd):
        os.set_inheritable(descriptor, False)  # noqa: FBT003 - os takes no keyword
    asyncio.run(_serve(arguments))


if __name__ == "__main__":
    main()
