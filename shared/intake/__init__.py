"""Processes events: an event becomes chunks in the catalogue, rows on the worklist and jobs on the queue."""
