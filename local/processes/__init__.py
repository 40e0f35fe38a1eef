"""Child processes that never outlive the process that started them, and the signals that end it."""
