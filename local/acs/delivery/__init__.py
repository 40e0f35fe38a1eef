"""Everything that ACS and Event Grid send or accept: events, callbacks with their tokens, and a custom topic."""
