"""Everything that deploys Callvault: templates and their checks, scripts, the API description, the package.

This folder itself is never deployed.
"""
