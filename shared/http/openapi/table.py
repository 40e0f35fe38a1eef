"""Every operation, in the order that the documents show them."""

from shared.http.openapi import queries, recordings, recovery, service
from shared.http.openapi.operations import Operation

OPERATIONS: tuple[Operation, ...] = (
    *recordings.OPERATIONS,
    *queries.OPERATIONS,
    *recovery.OPERATIONS,
    *service.OPERATIONS,
)
