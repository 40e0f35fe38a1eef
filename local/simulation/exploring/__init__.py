"""Every order of small races."""
