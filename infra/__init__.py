"""What brings Callvault into a subscription: templates, their checks, scripts, the package. Never deployed itself."""
