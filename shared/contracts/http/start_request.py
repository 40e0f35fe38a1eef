"""The request that starts a recording. Errors name the invalid field and its fix, before ACS sees the request."""

import re
from enum import StrEnum
from typing import Annotated, Any, NamedTuple, Self
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, field_validator, model_validator

from shared.contracts.http.bodies import Body, parse, wrong
from shared.contracts.http.consent import Consent
from shared.contracts.http.label_fields import Labels
from shared.contracts.text import Plain

MAX_CHANNELS = 5  # participants that ACS records separately, one per channel
_SERVER_CALL_ID = re.compile(r"[A-Za-z0-9+/_-]+={0,2}")  # base64 in either alphabet, padded or not: all occur
_CALL_ID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_HTTPS = re.compile(
    r"https://[a-z0-9-]+(?:\.[a-z0-9-]+)*\.?(?::\d{1,5})?(?:[/?][!#-\[\]-~]*)?", re.ASCII | re.IGNORECASE
)
_NEVER_BASE64 = 1  # len % 4 of a text that can't be base64
_LOCATORS = ("serverCallId", "callConnectionId", "groupCallId", "roomId")


class Content(StrEnum):
    AUDIO = "audio"
    AUDIO_VIDEO = "audioVideo"


class Channel(StrEnum):
    MIXED = "mixed"
    UNMIXED = "unmixed"


class MediaFormat(StrEnum):
    WAV = "wav"
    MP3 = "mp3"
    MP4 = "mp4"


class RecordingKind(NamedTuple):
    """What ACS records, and as which file."""

    content: Content
    channel: Channel
    format: MediaFormat


# The combinations that ACS supports: content, channel, and their formats, default first.
OFFERED: dict[tuple[Content, Channel], tuple[MediaFormat, ...]] = {
    (Content.AUDIO_VIDEO, Channel.MIXED): (MediaFormat.MP4,),
    (Content.AUDIO, Channel.MIXED): (MediaFormat.MP3, MediaFormat.WAV),
    (Content.AUDIO, Channel.UNMIXED): (MediaFormat.WAV,),
}


def _https(url: str) -> str:
    """Accepts only unambiguous URLs: with a user, backslash or space, two parsers may find different hosts."""
    if not _HTTPS.fullmatch(url):
        raise ValueError(
            "must be an absolute HTTPS URL with a host name, without a user and with special characters escaped: ACS "
            "calls back over TLS only"
        )
    return url


HttpsUrl = Annotated[str, Field(max_length=2048), AfterValidator(_https)]
# No longer than a table property allows.
Correlation = Annotated[str, StringConstraints(min_length=1, max_length=1024), Plain()]
Identifier = Annotated[str, StringConstraints(min_length=1, max_length=512), Plain()]
ParticipantId = Identifier


class ChannelAffinity(Body):
    """Binds a participant to a channel of an unmixed recording."""

    participant_id: ParticipantId = Field(description="Raw ID of the participant, as in 8:acs:….")
    channel: int = Field(ge=0, lt=MAX_CHANNELS, strict=True, description="Channel number, starting at 0.")


def _one_locator(schema: dict[str, Any]) -> None:
    """Turns pydantic's schema into four variants: exactly one of the locators is given.

    Each variant has all other fields, because generators of clients make a class of each. The schema is stricter than
    the app, which also accepts null for the other three: a property that can only be null confuses some generators.
    """
    properties: dict[str, dict[str, Any]] = schema.pop("properties")
    for flag in ("type", "additionalProperties"):
        schema.pop(flag, None)
    others = {name: item for name, item in properties.items() if name not in _LOCATORS}
    schema["oneOf"] = [
        {
            "title": f"Start{name[0].upper()}{name[1:]}",
            "description": f"Starts a recording of the call that {name} names.",
            "type": "object",
            "properties": {name: _not_null(properties[name]), **others},
            "required": [name],
            "additionalProperties": False,
        }
        for name in _LOCATORS
    ]


def _not_null(schema: dict[str, Any]) -> dict[str, Any]:
    (given,) = [one for one in schema["anyOf"] if one.get("type") != "null"]
    return {**given, "description": schema["description"]}


class StartRecording(Body):
    """Starts a recording of a call. Exactly one of the four call IDs is required."""

    model_config = ConfigDict(json_schema_extra=_one_locator)

    server_call_id: str | None = Field(
        default=None,
        min_length=1,
        max_length=4096,
        description="The call, by the serverCallId of its CallConnected or CallStarted event.",
    )
    call_connection_id: Identifier | None = Field(
        default=None, description="The call, by its connection in Call Automation."
    )
    group_call_id: UUID | None = Field(default=None, description="The call, by the ID of its group call.")
    room_id: Identifier | None = Field(default=None, description="The call, by the ID of its room.")
    content: Content | None = Field(
        default=None,
        description="audioVideo or audio. Of content, channel and format, Callvault fills in those that are omitted.",
    )
    channel: Channel | None = Field(
        default=None, description="mixed: all participants in one channel; unmixed: one channel each, wav audio only."
    )
    format: MediaFormat | None = Field(
        default=None, description="mp4 for audioVideo; mp3 or wav for mixed audio; wav for unmixed audio."
    )
    pause_on_start: bool = Field(
        default=False, strict=True, description="Whether the recording starts paused; /resume begins it."
    )
    channel_affinity: list[ChannelAffinity] = Field(
        default=[], max_length=MAX_CHANNELS, description="For unmixed audio only: who is on which channel."
    )
    participant_ordering: list[ParticipantId] = Field(
        default=[], max_length=MAX_CHANNELS, description="For unmixed audio only: who gets the next channel."
    )
    state_callback_url: HttpsUrl | None = Field(
        default=None,
        repr=False,  # Callvault's own URL contains a signature
        description="HTTPS URL that receives ACS's recording-state events instead of Callvault.",
    )
    correlation: Correlation | None = Field(
        default=None, description="Any text of yours; returned wherever the recording is shown."
    )
    labels: Labels = Field(
        default={},
        description="Up to ten names with values of yours, such as case: 4711. Shown with the recording, filterable, "
        "and stored in the metadata of its archived files. Don't include personal data.",
    )
    consent: Consent | None = Field(default=None, description="Required if the deployment requires consent.")

    @field_validator("server_call_id")
    @classmethod
    def _server_call_id_is_base64(cls, value: str | None) -> str | None:
        """Detects a callId sent by mistake, the most common error; ACS's message only mentions base 64."""
        if value is None:
            return None
        is_base64 = _SERVER_CALL_ID.fullmatch(value) and len(value.rstrip("=")) % 4 != _NEVER_BASE64
        if not is_base64 or _CALL_ID.fullmatch(value):
            raise ValueError(
                "isn't a serverCallId, which is base64; it may be a callId. Use the serverCallId of the "
                "CallConnected or CallStarted event, or send callConnectionId instead"
            )
        return value

    @model_validator(mode="after")
    def _names_one_call(self) -> Self:
        values = (self.server_call_id, self.call_connection_id, self.group_call_id, self.room_id)
        given = [name for name, value in zip(_LOCATORS, values, strict=True) if value is not None]
        if len(given) != 1:
            found = f"the request has {' and '.join(given)}" if given else "the request has none"
            raise wrong(given[1] if given else _LOCATORS[0], f"send exactly one of {', '.join(_LOCATORS)}: {found}")
        return self

    @model_validator(mode="after")
    def _is_offered(self) -> Self:
        content, channel = self._kind()
        formats = OFFERED.get((content, channel))
        if formats is None:
            raise wrong("channel", "ACS supports unmixed for audio only: set content to audio and format to wav")
        if self.format is not None and self.format not in formats:
            raise wrong(
                "format",
                f"ACS records {channel} {content} as {' or '.join(formats)} only: set format to that, or omit it",
            )
        return self

    @model_validator(mode="after")
    def _channels_are_for_unmixed(self) -> Self:
        of_channels = {"channelAffinity": self.channel_affinity, "participantOrdering": self.participant_ordering}
        for name, given in of_channels.items():
            if given and self.channel is not Channel.UNMIXED:
                raise wrong(name, "requires channel unmixed: set channel to unmixed, or omit this field")
        if _repeats([item.channel for item in self.channel_affinity]):
            raise wrong("channelAffinity", "contains a channel twice: assign each channel to one participant")
        if _repeats([item.participant_id for item in self.channel_affinity]):
            raise wrong("channelAffinity", "contains a participant twice: assign each participant to one channel")
        if _repeats(self.participant_ordering):
            raise wrong("participantOrdering", "contains a participant twice: list each participant once")
        return self

    def _kind(self) -> tuple[Content, Channel]:
        """Content and channel, with defaults for omitted fields: ACS's default is mixed audioVideo as mp4."""
        channel = self.channel or Channel.MIXED
        audio_only = channel is Channel.UNMIXED or self.format in (MediaFormat.WAV, MediaFormat.MP3)
        return self.content or (Content.AUDIO if audio_only else Content.AUDIO_VIDEO), channel

    def kind(self) -> RecordingKind:
        """Content, channel and format, with ACS's defaults for omitted fields."""
        content, channel = self._kind()
        return RecordingKind(content, channel, self.format or OFFERED[content, channel][0])


def parse_start(body: bytes) -> StartRecording:
    """Parses a start request. Raises InvalidRequest, which names each invalid field and its fix but no value."""
    return parse(StartRecording, body)


def _repeats(values: list[Any]) -> bool:
    return len(set(values)) != len(values)
