"""The maximum size of request bodies, in bytes, by content.

A body above these limits is refused with 413 and a problem. The Functions host itself refuses a body above
FUNCTIONS_REQUEST_BODY_SIZE_LIMIT with an empty 500, so that limit is higher: 4 MiB.
"""

REQUEST_BYTES = 64 * 1024  # a start or a resume; with all fields it has a few thousand
CALLBACK_BYTES = 256 * 1024  # the events of one callback
EVENTS_BYTES = 1024 * 1024  # POST /api/events; Event Grid delivers at most this in one request
