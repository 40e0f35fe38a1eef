"""A local Azure Functions host that runs a Python v2 app on the real worker library, without Azure or Core Tools.

It knows nothing about the app that it runs. An app may have HTTP, Event Grid, queue and timer triggers. Apps with other
bindings are refused. For the options, run `python -m local.host --help`.

    HTTP, Event Grid, admin --+
    queue listeners ----------+--> invocations --> instances --> process ~~ channel ~~ worker (library, app)
    timers -------------------+
"""
