"""HTTP: a request comes in, an answer or a problem goes out; and the interface's description."""
