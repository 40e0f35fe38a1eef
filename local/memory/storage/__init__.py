"""Tables, queues and blobs in memory, behind the methods of the SDK's clients."""
