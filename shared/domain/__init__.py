"""What a recording and a chunk are: states, records, keys and rules. No I/O, no Azure, no HTTP."""
