"""Examples of requests and responses. A test validates each against its model."""
