"""The only modules that import azure.*. They translate the SDKs' exceptions into the errors of shared.errors."""
