"""Plain stand-ins for the FunctionRpc protobuf messages that the worker library builds and reads.

The library takes them as an argument, so nothing is patched. A message has the fields that it was created with. The
member of a oneof that is set is the only listed field that isn't None. Cookies aren't supported.
"""

from typing import Any, ClassVar, Self

from local.host.worker.protocol import Kind, Typed


class _Message:
    def __init__(self, **fields: Any) -> None:
        self.__dict__.update(fields)


class TypedData(_Message):
    KINDS: ClassVar[tuple[Kind, ...]] = ("string", "json", "bytes", "int", "double", "http")

    def WhichOneof(self, group: str) -> Kind | None:  # noqa: N802 - protobuf's name
        if group != "data":
            raise ValueError(f"TypedData has no oneof {group}")
        return next((kind for kind in self.KINDS if getattr(self, kind, None) is not None), None)

    @classmethod
    def of(cls, typed: Typed) -> Self:
        value = RpcHttp.request(typed.value) if typed.kind == "http" else typed.value
        return cls(**{typed.kind: value})

    def typed(self) -> Typed | None:
        kind = self.WhichOneof("data")
        if kind is None:
            return None
        value = getattr(self, kind)
        return Typed(kind=kind, value=value.response() if isinstance(value, RpcHttp) else value)


class RpcHttp(_Message):
    @classmethod
    def request(cls, parts: dict[str, Any]) -> Self:
        """`parts`: method, url, headers, params, query; body is bytes."""
        return cls(**{**parts, "body": TypedData(bytes=parts["body"] or None)})

    def response(self) -> dict[str, Any]:
        fields = self.__dict__
        body = fields["body"].typed() if fields["body"] is not None else None
        return {
            "status": int(fields["status_code"]),
            "headers": fields["headers"],
            "body": body.value if body is not None else b"",
        }


class ParameterBinding(_Message):
    def WhichOneof(self, group: str) -> str:  # noqa: N802 - protobuf's name
        if group != "rpc_data":
            raise ValueError(f"ParameterBinding has no oneof {group}")
        return "data"


class StatusResult(_Message):
    Failure = 0
    Success = 1
    Cancelled = 2


class BindingInfo(_Message):
    undefined, string, binary, stream = range(4)
    out = 1
    inout = 2


class WorkerInitResponse(_Message): ...


class WorkerMetadata(_Message): ...


class RpcException(_Message): ...


class RpcFunctionMetadata(_Message): ...


class RpcRetryOptions(_Message): ...


class FunctionMetadataResponse(_Message): ...


class FunctionLoadResponse(_Message): ...


class InvocationResponse(_Message): ...
