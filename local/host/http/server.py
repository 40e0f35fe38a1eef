"""The host's HTTP server. It runs from the time all parts of the host are ready until the host stops."""

import socket
from collections.abc import Callable, Sequence

from aiohttp import web

from local.host.bindings import Function
from local.host.configuration.options import Options
from local.host.http.admin import Admin
from local.host.http.event_grid import EventGridWebhook
from local.host.http.front_end import MOST_READ, Front, Rules
from local.host.http.http_triggers import HttpTriggers
from local.host.invocations import Invocations

# The host's default of FUNCTIONS_REQUEST_BODY_SIZE_LIMIT.
_LARGEST_BODY = 100 * 1024 * 1024
# Seconds allowed for the last responses after the workers have ended.
_AFTERMATH = 5.0


class HttpServer:
    def __init__(
        self, options: Options, functions: Sequence[Function], invocations: Invocations, drain: Callable[[], None]
    ) -> None:
        """Raises ConfigError for an unsupported route or an invalid setting."""
        settings, keys, prefix = options.settings, options.keys, options.config.route_prefix
        largest = settings.number("FUNCTIONS_REQUEST_BODY_SIZE_LIMIT", _LARGEST_BODY)
        front = Front(
            HttpTriggers(functions, prefix, keys, invocations),
            EventGridWebhook(functions, keys, invocations),
            Admin(functions, prefix, keys, invocations, drain),
            Rules(
                body_limit=largest,
                custom_headers=options.config.custom_headers,
                strict_transport=options.config.strict_transport,
                has_home_page=not settings.is_true("AzureWebJobsDisableHomepage"),
            ),
        )
        app = web.Application(client_max_size=largest + 1)
        app.router.add_route("*", "/{path:(?s:.*)}", front.handle)
        self._runner = web.AppRunner(
            app,
            access_log=None,
            auto_decompress=False,  # functions get bodies as they were sent
            shutdown_timeout=_AFTERMATH,
            max_line_size=MOST_READ,
            max_field_size=MOST_READ,
            max_headers=MOST_READ,
        )

    async def open(self, at: socket.socket) -> None:
        await self._runner.setup()
        await web.SockSite(self._runner, at).start()

    async def stop_accepting(self) -> None:
        """Accepts no more connections. Requests in progress are answered."""
        for site in list(self._runner.sites):
            await site.stop()

    async def close(self) -> None:
        await self._runner.cleanup()
