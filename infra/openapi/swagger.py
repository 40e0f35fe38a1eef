"""The Swagger 2.0 document, made from the OpenAPI one. It leaves out what the older version doesn't support.

Custom connectors support one way to authenticate, so the only one here is the key in a header. The operation that
requires a token of ACS is left out. If an operation requires the master key, its description says so.
"""

from typing import Any

from infra.openapi.power_platform import of_field, of_operation

type Json = dict[str, Any]

_DEFINITIONS = "#/definitions/"
_UNKNOWN = frozenset({"oneOf", "if", "then", "else", "propertyNames", "contentEncoding", "patternProperties"})
_BOUNDS = {"exclusiveMinimum": "minimum", "exclusiveMaximum": "maximum"}  # in 2.0 a flag beside minimum or maximum
_FLAT = ("type", "format", "pattern", "minLength", "maxLength", "minimum", "maximum", "enum", "default", "items")


def swagger(document: Json) -> Json:
    """`document` in Swagger 2.0, without the app's address."""
    return {
        "swagger": "2.0",
        "info": {
            "title": document["info"]["title"],
            "version": document["info"]["version"],
            "description": document["info"]["summary"],
            "license": {"name": document["info"]["license"]["name"]},
        },
        "tags": document["tags"],
        "paths": {path: _path(item) for path, item in document["paths"].items() if _path(item)},
        "definitions": {name: _schema(schema) for name, schema in document["components"]["schemas"].items()},
        "securityDefinitions": {"functionKey": document["components"]["securitySchemes"]["functionKey"]},
    }


def _path(item: Json) -> Json:
    return {
        method: _operation(operation)
        for method, operation in item.items()
        if {"callbackToken": []} not in operation["security"]
    }


def _operation(operation: Json) -> Json:
    parameters = [_parameter(one) for one in operation["parameters"]]
    found: Json = {
        "operationId": operation["operationId"],
        "tags": operation["tags"],
        "summary": operation["summary"],
        "description": operation["description"],
        **of_operation(operation["operationId"]),
        "produces": sorted({kind for reply in operation["responses"].values() for kind in reply.get("content", ())}),
        "responses": {status: _response(reply) for status, reply in operation["responses"].items()},
        "security": [{"functionKey": []}] if operation["security"] else [],
    }
    if "requestBody" in operation:
        body = operation["requestBody"]
        ((kind, content),) = body["content"].items()
        found["consumes"] = [kind]
        schema = _schema(content["schema"])
        parameters.append(
            {
                "name": "body",
                "in": "body",
                "required": body["required"],
                "description": body["description"],
                **of_field("body"),
                "schema": schema,
            }
        )
    return found | {"parameters": parameters}


def _parameter(parameter: Json) -> Json:
    schema = _schema(parameter["schema"])
    if "$ref" in schema or "type" not in schema:
        schema = {"type": "string"}
    kept = {name: schema[name] for name in _FLAT if name in schema}
    named = {name: parameter[name] for name in ("name", "in", "required", "description") if name in parameter}
    return named | of_field(parameter["name"]) | kept


def _response(reply: Json) -> Json:
    found: Json = {"description": reply["description"]}
    content = reply.get("content", {})
    if content:
        kind, media = next(iter(content.items()))  # 2.0 has one schema for each status: the reply's, not the problem's
        found["schema"] = _schema(media["schema"])
        examples = [media["example"]] if media.get("example") is not None else []
        examples += [one["value"] for one in media.get("examples", {}).values()]
        if examples:
            found["examples"] = {kind: examples[0]}
    if "headers" in reply:
        found["headers"] = {
            name: {"description": header["description"], **_schema(header["schema"])}
            for name, header in reply["headers"].items()
        }
    return found


def _schema(schema: Any) -> Any:
    """A schema without what Swagger 2.0 doesn't support. It has no null: connectors read x-nullable instead."""
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return {"$ref": _DEFINITIONS + schema["$ref"].rpartition("/")[2]}
    if all("properties" in one for one in schema.get("oneOf", [{}])):
        schema = _merged(schema)
    found = {name: item for name, item in _without_choices(dict(schema)).items() if name not in _UNKNOWN}
    if "const" in found:
        found["enum"] = [found.pop("const")]
    for bound, plain in _BOUNDS.items():
        if bound in found:
            found[plain], found[bound] = found[bound], True
    if "properties" in found:
        found["properties"] = {
            name: _schema(item) | ({} if "$ref" in item else of_field(name))
            for name, item in found["properties"].items()
        }
    if "allOf" in found:
        found["allOf"] = [_schema(item) for item in found["allOf"]]
    return found | {name: _schema(found[name]) for name in ("items", "additionalProperties") if name in found}


def _merged(schema: Json) -> Json:
    """Variants of an object as one object that accepts the fields of all: the older version has no variants."""
    variants = schema["oneOf"]
    properties: Json = {name: item for variant in variants for name, item in variant["properties"].items()}
    required = [name for name in properties if all(name in one.get("required", ()) for one in variants)]
    kept = {name: item for name, item in schema.items() if name != "oneOf"}
    return {**kept, "type": "object", "properties": properties} | ({"required": required} if required else {})


def _without_choices(schema: Json) -> Json:
    """A choice of one type or null becomes that type with x-nullable. Any other choice becomes any value."""
    choices = schema.pop("anyOf", [])
    kinds = [one for one in choices if one.get("type") != "null"]
    if len(kinds) < len(choices):
        schema = {name: item for name, item in schema.items() if name != "default"} | {"x-nullable": True}
    if len(kinds) != 1:
        return schema
    # In 2.0 a reference can't have other members beside it, so it is wrapped in allOf.
    return ({"allOf": kinds} if "$ref" in kinds[0] else kinds[0]) | schema
