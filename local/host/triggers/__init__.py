"""The triggers without HTTP: queues and timers."""
