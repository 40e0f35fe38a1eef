"""What the app runs in: processes and clocks, storage and ACS behind faults, and the platform that calls the app."""
