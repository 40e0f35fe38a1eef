"""Archives one chunk: claim, copy, verify, record, and only then delete the source."""
