"""Who invokes the app's functions in a run: Event Grid, the queue listener, the timers, and people."""
