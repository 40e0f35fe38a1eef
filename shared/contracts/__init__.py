"""What crosses our borders, as pydantic models: HTTP bodies, events, jobs, chunk metadata."""
