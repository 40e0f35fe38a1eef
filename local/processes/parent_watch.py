"""Runs one program and ends it with the process that started it: `python parent_watch.py GRACE COMMAND...`.

Standard input is the tether. When it ends, because the starting process closed it or died, even by SIGKILL, the program
gets SIGTERM and, after GRACE seconds, its whole process group gets SIGKILL. The group is also killed when the program
ends by itself. The first line of standard output is the program's pid. The program's own output goes to standard error.
Only the standard library is imported, to start fast and stay small.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
from types import FrameType

PR_SET_PDEATHSIG = 1
CANNOT_RUN = 127  # a shell's exit code for it


def _die_with_tether() -> None:
    """On Linux, the kernel kills the program even if this process is killed by SIGKILL."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _clear(group: int) -> None:
    # macOS returns EPERM if only a zombie is left in the group.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def _end(pid: int, grace: float) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    force = threading.Timer(grace, _clear, (pid,))
    force.daemon = True
    force.start()


def _watch_input(pid: int, grace: float) -> None:
    while os.read(sys.stdin.fileno(), 1024):
        pass
    _end(pid, grace)


def hold(grace: float, command: list[str]) -> int:
    """Runs the command to its end. Returns its exit code as a shell does: 128 + n for signal n."""
    try:
        program = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr,
            process_group=0,
            preexec_fn=_die_with_tether,  # noqa: PLW1509 - safe: this process still has only one thread
        )
    except OSError as error:
        print(f"{command[0]} can't be run: {error.strerror}", file=sys.stderr)
        return CANNOT_RUN

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        _end(program.pid, grace)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, on_signal)
    os.write(sys.stdout.fileno(), b"%d\n" % program.pid)
    os.close(sys.stdout.fileno())
    threading.Thread(target=_watch_input, args=(program.pid, grace), daemon=True).start()
    # WNOWAIT leaves the program unreaped, so its pid can't go to another process before the group is killed.
    os.waitid(os.P_PID, program.pid, os.WEXITED | os.WNOWAIT)
    _clear(program.pid)
    code = program.wait()
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    exit_code = hold(float(sys.argv[1]), sys.argv[2:])
    sys.stderr.flush()
    os._exit(exit_code)  # the thread that reads standard input may still be blocked
