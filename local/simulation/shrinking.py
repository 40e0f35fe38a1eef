"""The shortest schedule that still violates the same invariant: drops recordings, faults and requests one by one."""

from collections.abc import Iterator
from dataclasses import replace

from local.simulation.run import Result, run
from local.simulation.schedules.recordings import Recording
from local.simulation.schedules.schedule import Schedule

_MOST_RUNS = 400


def shrink(result: Result) -> Result:
    """A result of a smaller schedule with a violation of the same kind, or the given one."""
    kind, runs = _kind(result), 0
    while True:
        for smaller in _smaller(result.schedule):
            runs += 1
            tried = run(smaller)
            if tried.violations and _kind(tried) == kind:
                result = tried
                break
            if runs >= _MOST_RUNS:
                return run(result.schedule, keeps_trace=True)
        else:
            return run(result.schedule, keeps_trace=True)


def _kind(result: Result) -> str:
    """The first violation, without names and numbers."""
    words = result.violations[0].split()
    return " ".join(word for word in words if word.isalpha())


def _smaller(schedule: Schedule) -> Iterator[Schedule]:
    """Schedules that lack one thing: recordings first, because they are the largest."""
    if len(schedule.recordings) > 1:
        yield from (replace(schedule, recordings=fewer) for fewer in _fewer(schedule.recordings))
    yield from (replace(schedule, faults=fewer) for fewer in _fewer(schedule.faults))
    yield from (replace(schedule, outages=fewer) for fewer in _fewer(schedule.outages))
    yield from (replace(schedule, lost_jobs=schedule.lost_jobs - {number}) for number in schedule.lost_jobs)
    yield from (replace(schedule, worn_jobs=schedule.worn_jobs - {number}) for number in schedule.worn_jobs)
    yield from (replace(schedule, calls=fewer) for fewer in _fewer(schedule.calls))
    yield from _less_mishandled(schedule)
    if len(schedule.skews) > 1:
        yield replace(schedule, skews=schedule.skews[1:])
    for place, recording in enumerate(schedule.recordings):
        for calmer in _calmer(recording):
            yield replace(schedule, recordings=_with(schedule.recordings, place, calmer))
    for place, plan in enumerate(schedule.calls):
        for smaller in plan.calmer():
            yield replace(schedule, calls=_with(schedule.calls, place, smaller))


def _less_mishandled(schedule: Schedule) -> Iterator[Schedule]:
    all_of_it = schedule.mishandling
    for questions in _fewer(all_of_it.questions):
        yield replace(schedule, mishandling=replace(all_of_it, questions=questions))
    for damages in _fewer(all_of_it.damages):
        yield replace(schedule, mishandling=replace(all_of_it, damages=damages))
    for unreadable in _fewer(all_of_it.unreadable):
        yield replace(schedule, mishandling=replace(all_of_it, unreadable=unreadable))


def _calmer(recording: Recording) -> Iterator[Recording]:
    if len(recording.requests) > 1:
        yield from (replace(recording, requests=fewer) for fewer in _fewer(recording.requests))
    for number, source in enumerate(recording.sources):
        for windows in _fewer(source.windows):
            yield replace(recording, sources=_with(recording.sources, number, replace(source, windows=windows)))


def _fewer[T](things: tuple[T, ...]) -> Iterator[tuple[T, ...]]:
    return (things[:place] + things[place + 1 :] for place in range(len(things)))


def _with[T](things: tuple[T, ...], place: int, thing: T) -> tuple[T, ...]:
    return (*things[:place], thing, *things[place + 1 :])
