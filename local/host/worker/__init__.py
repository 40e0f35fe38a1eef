"""The worker processes: the program of a worker, and the host's side of the channel to it."""
