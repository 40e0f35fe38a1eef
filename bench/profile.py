"""Profiles CPU time over all threads: `with profiled(): ...` prints the profile at the end.

cProfile sees only one thread, and a sampler of stacks counts waiting as work. This profiler reads each thread's CPU
clock a thousand times per second, and assigns the CPU time since the last sample to the thread's current line.
"""

import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from local.stack.options import CHECKOUT

_EVERY = 0.001  # seconds
_SHOWN = 30


@contextmanager
def profiled() -> Iterator[None]:
    """Slows the work by some percent. Use the figures only to compare lines."""
    profile, done = _Profile(), threading.Event()
    sampler = threading.Thread(target=profile.sample, args=(done,), daemon=True)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(_EVERY / 2)  # otherwise a busy thread would delay the samples
    sampler.start()
    try:
        yield
    finally:
        done.set()
        sampler.join()
        sys.setswitchinterval(interval)
        profile.show()


class _Profile:
    def __init__(self) -> None:
        self._lines: defaultdict[str, float] = defaultdict(float)
        self._packages: defaultdict[str, float] = defaultdict(float)
        self._threads: defaultdict[str, float] = defaultdict(float)

    def sample(self, done: threading.Event) -> None:
        used: dict[int, float] = {}
        while not done.wait(_EVERY):
            frames = sys._current_frames()  # noqa: SLF001 - the only way to see the frames of other threads
            for thread in threading.enumerate():
                ident = thread.ident
                if ident is None or ident == threading.get_ident() or ident not in frames:
                    continue
                try:
                    now = time.clock_gettime(time.pthread_getcpuclockid(ident))
                except OSError:
                    continue  # it has just ended
                spent = now - used.get(ident, now if not used else 0.0)
                used[ident] = now
                if spent > 0:
                    self._book(spent, thread.name, frames[ident])

    def _book(self, spent: float, thread: str, frame: FrameType) -> None:
        code = frame.f_code
        self._threads[thread] += spent
        self._lines[f"{_short(code.co_filename)}:{frame.f_lineno} {code.co_qualname}"] += spent
        at: FrameType | None = frame
        seen = set()
        while at is not None:
            seen.add(_package(at.f_code.co_filename))
            at = at.f_back
        for package in seen:
            self._packages[package] += spent

    def show(self) -> None:
        total = sum(self._threads.values())
        for title, found in (
            ("CPU seconds by thread", self._threads),
            ("CPU seconds by package, including its calls", self._packages),
            ("CPU seconds by line, without its calls", self._lines),
        ):
            print(f"\n{title}, total {total:.3f}:", file=sys.stderr)
            for name, spent in sorted(found.items(), key=lambda one: -one[1])[:_SHOWN]:
                print(f"  {spent:7.3f}  {spent / total:5.1%}  {name}", file=sys.stderr)


def _short(path: str) -> str:
    return path.removeprefix(f"{CHECKOUT}/").rpartition("site-packages/")[2].rpartition("/lib/")[2]


def _package(path: str) -> str:
    parts = _short(path).split("/")
    return ".".join(parts[: 3 if parts[0] == "azure" else 2]).removesuffix(".py")
