"""The content types of archived files, by the ending of their name."""

MEDIA_TYPES = {"wav": "audio/wav", "mp3": "audio/mpeg", "mp4": "video/mp4"}
_TYPES = {**MEDIA_TYPES, "json": "application/json"}
_UNKNOWN_TYPE = "application/octet-stream"


def content_type_of(ending: str) -> str:
    return _TYPES.get(ending.rpartition(".")[2], _UNKNOWN_TYPE)
