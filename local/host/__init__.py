"""The Azure Functions host of a laptop: runs a Python v2 app on the real worker library, without Azure or Core Tools.

Nothing in here knows the app it runs: any with HTTP, Event Grid, queue and timer triggers and queue outputs will do,
and one with other bindings is refused. `python -m local.host --help` tells how to start it.

    HTTP, Event Grid, admin --+
    queue listeners ----------+--> invocations --> instances --> process ~~ channel ~~ worker (library, app)
    timers -------------------+         |
                                     outputs
"""
