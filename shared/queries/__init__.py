"""Answers questions: lists, summary, time line, downloads, and whether all of a recording is safe."""
