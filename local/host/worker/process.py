"""The host's side of one worker process: its start, calls, log lines and end.

When the process ends for any reason, all calls in flight fail with WorkerLost, so no call waits forever. The output and
log lines of a killed process are still logged.
"""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from local.host.errors import IndexingFailed, InvocationFailed, WorkerLost
from local.host.logs import Line, Sink, timestamp
from local.host.worker import protocol
from local.host.worker.channel import Channel
from local.host.worker.protocol import Call, Failure, FunctionRecord, Outcome

_ROOT = Path(__file__).resolve().parents[3]
_CHUNK = 65536
# Seconds for a worker to end after it was asked to, and for its last lines to arrive.
_LAST_WORDS = 2.0


@dataclass(frozen=True, kw_only=True)
class Launch:
    """How to start a worker: the app's directory, its environment, and a module to import before the app."""

    app: Path
    environment: Mapping[str, str]
    plugin: str | None
    sink: Sink


class WorkerProcess:
    """Created by `start`, which returns once the app is indexed."""

    functions: list[FunctionRecord]

    def __init__(self, process: asyncio.subprocess.Process, channel: Channel, logs: int, launch: Launch) -> None:
        self.pid = process.pid
        self.ended = asyncio.Event()
        self._process = process
        self._channel = channel
        self._sink = launch.sink
        self._calls: dict[str, asyncio.Future[Outcome | Failure]] = {}
        self._indexed: asyncio.Future[list[FunctionRecord] | Failure] = asyncio.get_running_loop().create_future()
        self._life = asyncio.create_task(self._live(logs))

    @classmethod
    async def start(cls, launch: Launch) -> Self:
        """Raises IndexingFailed with the worker's own message when the app can't be loaded."""
        ours, theirs = socket.socketpair()
        log_reader, log_writer = os.pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                # Unbuffered, so the output of a killed worker isn't lost.
                *(sys.executable, "-u", "-m", "local.host.worker", "--app", str(launch.app)),
                *("--channel-fd", str(theirs.fileno()), "--log-fd", str(log_writer), "--parent", str(os.getpid())),
                *(("--plugin", launch.plugin) if launch.plugin else ()),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                pass_fds=(theirs.fileno(), log_writer),
                cwd=_ROOT,
                env=launch.environment,
                # In its own group: Ctrl-C reaches only the host, which then ends its workers in order.
                process_group=0,
            )
        finally:
            theirs.close()
            os.close(log_writer)
        worker = cls(process, await Channel.over(ours), log_reader, launch)
        try:
            await worker._index()
        except BaseException:
            await worker.stop()
            raise
        return worker

    async def _index(self) -> None:
        indexed = await self._indexed
        if isinstance(indexed, Failure):
            raise IndexingFailed(indexed.message, indexed.traceback)
        self.functions = indexed

    async def call(self, call: Call) -> Outcome:
        """Raises InvocationFailed for an exception of the function, WorkerLost when the process ended meanwhile."""
        if self.ended.is_set():
            raise WorkerLost(self.pid)
        future = self._calls[call.id] = asyncio.get_running_loop().create_future()
        try:
            with contextlib.suppress(ConnectionError):  # the end of the process makes the future fail
                await self._channel.send(call.message())
            result: Outcome | Failure = await future
        finally:
            del self._calls[call.id]
        if isinstance(result, Failure):
            raise InvocationFailed(result.message, result.traceback)
        return result

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGKILL)

    async def stop(self) -> None:
        """Ends the process, by force if necessary. Calls in flight fail."""
        self._channel.close()
        await self._life

    async def _live(self, logs: int) -> None:
        readers = [
            asyncio.create_task(self._log(logs)),
            asyncio.create_task(self._print(self._process.stdout, "stdout")),
            asyncio.create_task(self._print(self._process.stderr, "stderr")),
        ]
        # When the channel has ended, the process can't send any more results.
        await self._read_results()
        try:
            async with asyncio.timeout(_LAST_WORDS):
                code = await self._process.wait()
        except TimeoutError:
            self.kill()
            code = await self._process.wait()
        self._fail_calls(code)
        self._channel.close()
        # Child processes of the app may keep the pipes open, so reading them ends after a while.
        _, late = await asyncio.wait(readers, timeout=_LAST_WORDS)
        for task in late:
            task.cancel()

    async def _read_results(self) -> None:
        while (message := await self._channel.receive()) is not None:
            if "ready" in message:
                self._indexed.set_result([FunctionRecord.read(function) for function in message["ready"]])
            elif "unready" in message:
                self._indexed.set_result(Failure(**message["unready"]))
            elif (future := self._calls.get(message["ended"])) and not future.done():
                future.set_result(protocol.read_ended(message))

    def _fail_calls(self, code: int) -> None:
        self.ended.set()
        if not self._indexed.done():
            reason = f"the worker ended with code {code} before the app was indexed; its output is in the log"
            self._indexed.set_result(Failure(message=reason, traceback=""))
        for future in self._calls.values():
            if not future.done():
                future.set_exception(WorkerLost(self.pid))

    async def _log(self, pipe: int) -> None:
        reader = asyncio.StreamReader()
        with os.fdopen(pipe, "rb") as file:
            transport, _ = await asyncio.get_running_loop().connect_read_pipe(
                lambda: asyncio.StreamReaderProtocol(reader), file
            )
            try:
                async for line in _lines(reader):
                    self._sink(_parsed(line))
            finally:
                transport.close()

    async def _print(self, stream: asyncio.StreamReader | None, name: str) -> None:
        if stream is None:
            return
        async for line in _lines(stream):
            self._sink(_output_line(line, name))


def _parsed(line: bytes) -> Line:
    try:
        parsed: Line = json.loads(line)
    except ValueError:  # cut short by the end of the process
        return _output_line(line, "worker")
    return parsed


def _output_line(line: bytes, source: str) -> Line:
    return {"time": timestamp(), "level": "INFO", "logger": source, "message": line.decode(errors="replace")}


async def _lines(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """Lines of any length. The last one may lack its line end."""
    rest = bytearray()
    while chunk := await reader.read(_CHUNK):
        *lines, tail = chunk.split(b"\n")
        for line in lines:
            yield bytes(rest + line)
            rest.clear()
        rest += tail
    if rest:
        yield bytes(rest)
