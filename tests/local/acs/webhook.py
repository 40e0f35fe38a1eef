"""An endpoint for Event Grid like that of a function app: answers the handshake and keeps the deliveries."""

import json
from contextlib import asynccontextmanager

from aiohttp import web

from tests.local.acs.clients import eventually


class Webhook:
    """Answers each notification with the next of `statuses`, then with 200."""

    def __init__(self):
        self.url = ""
        self.statuses = []
        self.received = []
        self.headers = []
        self.validates = True
        self.media_type = "application/json"

    async def answer(self, request):
        body = json.loads(await request.read())
        (event,) = body if isinstance(body, list) else [body]  # a CloudEvent comes alone
        if request.headers["aeg-event-type"] == "SubscriptionValidation":
            code = event["data"]["validationCode"] if self.validates else "something else"
            return web.json_response({"validationResponse": code}, content_type=self.media_type)
        self.received.append(event)
        self.headers.append(dict(request.headers))
        return web.Response(status=self.statuses.pop(0) if self.statuses else 200)

    async def next(self, count=1, event_type="RecordingFileStatusUpdated"):
        """Waits for the first `count` deliveries of a type."""

        async def enough():
            found = [event for event in self.received if _type_of(event).endswith(event_type)]
            return found if len(found) >= count else None

        return await eventually(enough)


def _type_of(event):
    return str(event.get("eventType", event.get("type", "")))


@asynccontextmanager
async def webhook():
    hook = Webhook()
    application = web.Application()
    application.router.add_post("/events", hook.answer)
    runner = web.AppRunner(application)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        hook.url = f"http://127.0.0.1:{runner.addresses[0][1]}/events"
        yield hook
    finally:
        await runner.cleanup()
