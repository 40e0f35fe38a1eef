"""What brings Callvault into a subscription: templates, scripts and the package. Never deployed itself."""
