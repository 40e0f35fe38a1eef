"""Callers that start, stop, pause and resume recordings over HTTP, and repeat a request that wasn't answered."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from local.simulation.callers.history import History
from local.simulation.callers.platform import Platform
from local.simulation.schedules.calls import CONSENT, Act, CallPlan, StartPlan
from local.simulation.world.cluster import Outcome
from local.simulation.world.recorder import CallRecording
from shared.app import App
from shared.errors import AlreadyRecording
from shared.http.answers import Answer

CALLER = "caller"
_URL = "https://callvault.example/api/recordings"
_POLLS = 3  # of a start that was accepted without a recordingId
_POLL_SECONDS = 20.0
_AGAIN = 5.0  # seconds before a stop, pause or resume is repeated


@dataclass
class RecordingCallers:
    """Plays the callers of a run's calls. `pending` is the number of those that still act."""

    platform: Platform
    history: History
    plans: Sequence[CallPlan]
    pending: int = 0

    def start(self) -> None:
        for plan in self.plans:
            for wanted in plan.starts:
                self.pending += 1
                self.platform.spawn(self._play(plan, wanted))

    async def _play(self, plan: CallPlan, wanted: StartPlan) -> None:
        await asyncio.sleep(max(wanted.at, 0))
        recording_id = await self._start(plan, wanted)
        if recording_id is not None:
            self.history.started[recording_id] = plan.call.name
            began = self.platform.loop.time()
            for act in sorted(plan.acts, key=lambda one: one.after):
                await asyncio.sleep(max(began + act.after - self.platform.loop.time(), 0))
                await self._act(recording_id, act)
        self.pending -= 1

    def began(self, recording: CallRecording) -> None:
        """A recording began in ACS: onlookers act on it."""
        plan = next(one for one in self.plans if one.call is recording.call)
        for act in plan.onlookers:
            self.pending += 1
            self.platform.spawn(self._look_on(recording.recording_id, act))

    async def _look_on(self, recording_id: str, act: Act) -> None:
        await asyncio.sleep(act.after)
        await self._act(recording_id, act)
        self.pending -= 1

    async def _start(self, plan: CallPlan, wanted: StartPlan) -> str | None:
        """The recordingId, if the caller got it."""
        body = json.dumps(wanted.body(plan.call)).encode()
        polls = 0
        for number in range(wanted.tries + _POLLS):
            if number >= wanted.tries and not polls:
                return None
            key = wanted.key or f"{plan.call.name} {wanted.at} try {number}"
            self.history.keys[plan.call.name].add(key)
            answer = await self._ask(
                "start",
                lambda app: app.commands.start(body, url=_URL, idempotency_key=wanted.key, by=CALLER),
                key,
            )
            if answer is not None and answer["recordingId"] is not None:
                self.history.answered[key].add(answer["recordingId"])
            if answer is not None and number not in wanted.lost:
                if answer["recordingId"] is not None:
                    return str(answer["recordingId"])
                polls += 1
                if wanted.key is None:
                    return None
            await asyncio.sleep(_POLL_SECONDS if polls else wanted.pause)
        return None

    async def _act(self, recording_id: str, act: Act) -> None:
        body = json.dumps({"consent": CONSENT}).encode() if act.consents else b""
        asked: dict[str, Callable[[App], Awaitable[Answer]]] = {
            "stop": lambda app: app.commands.stop(recording_id, by=CALLER),
            "pause": lambda app: app.commands.pause(recording_id, by=CALLER),
            "resume": lambda app: app.commands.resume(recording_id, body, by=CALLER),
        }
        for _ in range(act.tries):
            self.history.requested[recording_id][act.action] += 1
            if await self._ask(act.action, asked[act.action]) is not None:
                self.history.confirmed[recording_id][act.action] += 1
                made = self.platform.cluster.acs.recorder.recordings[recording_id]
                if act.action == "stop" and made.runs and not made.call.fails_over:
                    self.history.running.append(recording_id)
                return
            await asyncio.sleep(_AGAIN)

    async def _ask(
        self, name: str, function: Callable[[App], Awaitable[Answer]], key: str = ""
    ) -> dict[str, Any] | None:
        """The answer's body; None if there was none, or a refusal. `key`: the request's Idempotency-Key."""
        answers: list[Answer] = []

        async def ask(app: App) -> None:
            try:
                answers.append(await function(app))
            except AlreadyRecording:
                self.history.refused[key] += bool(self.history.answered.get(key))
                raise

        outcome = await self.platform.invoke(name, ask)
        return json.loads(answers[0].body) if outcome is Outcome.DONE else None
