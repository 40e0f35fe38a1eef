"""Known defects, and the check that the schedules detect each of them."""
