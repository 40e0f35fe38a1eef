"""How large the body of a request may be, in bytes, by what it holds.

The Functions host itself refuses a body above FUNCTIONS_REQUEST_BODY_SIZE_LIMIT, 1 MiB here, with an empty 500. Below
that, these limits are answered with 413 and a problem.
"""

REQUEST_BYTES = 64 * 1024  # a start or a resume; a full one has a few thousand
CALLBACK_BYTES = 256 * 1024  # the events of one callback
EVENTS_BYTES = 1024 * 1024  # events that are handed in; Event Grid delivers no more in one request
