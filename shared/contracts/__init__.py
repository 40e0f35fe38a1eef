"""Everything that Callvault receives and sends, as pydantic models: HTTP bodies, events, jobs, chunk metadata."""
