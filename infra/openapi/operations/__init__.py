"""All operations, in the order in which the documents list them."""

from infra.openapi.operation import Operation
from infra.openapi.operations import queries, recordings, recovery, service

OPERATIONS: tuple[Operation, ...] = (
    *recordings.OPERATIONS,
    *queries.OPERATIONS,
    *recovery.OPERATIONS,
    *service.OPERATIONS,
)
