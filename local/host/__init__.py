"""The Azure Functions host of a laptop: runs a Python v2 app on the real worker library, without Azure or Core Tools.

Nothing in here knows the app it runs. `python -m local.host --help` tells how to start it.
"""
