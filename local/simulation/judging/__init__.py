"""What must hold after every call, and at the end of a run. Read from raw storage."""
