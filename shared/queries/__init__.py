"""Answers questions: lists, summary, timeline, downloads, and whether all of a recording is safe."""
