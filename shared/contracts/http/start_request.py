"""The request that starts a recording. What ACS would refuse is refused here, in words that name field and mend."""

import re
from enum import StrEnum
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, field_validator, model_validator

from shared.contracts.http.bodies import Body, parse, wrong
from shared.contracts.http.consent import Consent
from shared.contracts.text import Plain

MAX_CHANNELS = 5  # participants that ACS records apart, one a channel
_SERVER_CALL_ID = re.compile(r"[A-Za-z0-9+/_-]+={0,2}")  # base64 of either alphabet, padded or not: all are met
_CALL_ID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_HTTPS = re.compile(
    r"https://[a-z0-9-]+(?:\.[a-z0-9-]+)*\.?(?::\d{1,5})?(?:[/?][!#-\[\]-~]*)?", re.ASCII | re.IGNORECASE
)
_NEVER_BASE64 = 1  # characters left over after fours
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


# What ACS records: content, channel, and the formats it offers for them, its default first.
OFFERED: dict[tuple[Content, Channel], tuple[MediaFormat, ...]] = {
    (Content.AUDIO_VIDEO, Channel.MIXED): (MediaFormat.MP4,),
    (Content.AUDIO, Channel.MIXED): (MediaFormat.MP3, MediaFormat.WAV),
    (Content.AUDIO, Channel.UNMIXED): (MediaFormat.WAV,),
}


def _https(url: str) -> str:
    """Of one reading only: with a user, a backslash or a blank in it, two parsers may see two different hosts."""
    if not _HTTPS.fullmatch(url):
        raise ValueError(
            "must be an absolute https URL with a host name, without a user or characters that a URL must escape: "
            "ACS calls back over TLS only"
        )
    return url


HttpsUrl = Annotated[str, Field(max_length=2048), AfterValidator(_https)]
# No longer than a table property allows.
Correlation = Annotated[str, StringConstraints(min_length=1, max_length=1024), Plain()]
Identifier = Annotated[str, StringConstraints(min_length=1, max_length=512), Plain()]
ParticipantId = Identifier


class ChannelAffinity(Body):
    """Binds a participant to a channel of an unmixed recording."""

    participant_id: ParticipantId = Field(description="Raw id of the participant, as in 8:acs:….")
    channel: int = Field(ge=0, lt=MAX_CHANNELS, strict=True, description="Number of the channel, from 0.")


def _one_locator(schema: dict[str, Any]) -> None:
    """What pydantic's schema can't say by itself: exactly one of the four is given, and null counts as not given."""
    schema["oneOf"] = [{"required": [name], "properties": {name: {"type": "string"}}} for name in _LOCATORS]


class StartRecording(Body):
    """Starts a recording of the call that exactly one of the four ids names."""

    model_config = ConfigDict(json_schema_extra=_one_locator)

    server_call_id: str | None = Field(default=None, min_length=1, max_length=4096)
    call_connection_id: Identifier | None = None
    group_call_id: UUID | None = None
    room_id: Identifier | None = None
    content: Content | None = None
    channel: Channel | None = None
    format: MediaFormat | None = None
    pause_on_start: bool = Field(default=False, strict=True)
    channel_affinity: list[ChannelAffinity] = Field(default=[], max_length=MAX_CHANNELS)
    participant_ordering: list[ParticipantId] = Field(default=[], max_length=MAX_CHANNELS)
    state_callback_url: HttpsUrl | None = Field(default=None, repr=False)  # Callvault's own carries a signature
    correlation: Correlation | None = Field(default=None, description="Opaque; given back wherever the recording is.")
    consent: Consent | None = Field(default=None, description="Needed where the deployment requires consent.")

    @field_validator("server_call_id")
    @classmethod
    def _server_call_id_is_base64(cls, value: str | None) -> str | None:
        """A callId given by mistake is the commonest error of all; ACS answers it with a riddle about base 64."""
        if value is None:
            return None
        is_base64 = _SERVER_CALL_ID.fullmatch(value) and len(value.rstrip("=")) % 4 != _NEVER_BASE64
        if not is_base64 or _CALL_ID.fullmatch(value):
            raise ValueError(
                "is not a serverCallId (those are base64): a callId was probably given; take serverCallId from "
                "the CallConnected or CallStarted event, or send callConnectionId instead"
            )
        return value

    @model_validator(mode="after")
    def _names_one_call(self) -> Self:
        given = [name for name in _LOCATORS if getattr(self, _field_name(name)) is not None]
        if len(given) != 1:
            found = f"{' and '.join(given)} were given" if given else "none was given"
            raise wrong(given[1] if given else _LOCATORS[0], f"give exactly one of {', '.join(_LOCATORS)}: {found}")
        return self

    @model_validator(mode="after")
    def _is_offered(self) -> Self:
        content, channel = self._kind()
        formats = OFFERED.get((content, channel))
        if formats is None:
            raise wrong("channel", "unmixed is offered for audio only: set content to audio and format to wav")
        if self.format is not None and self.format not in formats:
            raise wrong("format", f"{channel} {content} is offered as {' or '.join(formats)}, not {self.format}")
        return self

    @model_validator(mode="after")
    def _channels_are_for_unmixed(self) -> Self:
        for name in ("channelAffinity", "participantOrdering"):
            if getattr(self, _field_name(name)) and self.channel is not Channel.UNMIXED:
                raise wrong(name, "goes with channel unmixed only: set channel to unmixed, or leave this out")
        if _repeats([item.channel for item in self.channel_affinity]):
            raise wrong("channelAffinity", "names a channel twice: each channel holds one participant")
        if _repeats([item.participant_id for item in self.channel_affinity]):
            raise wrong("channelAffinity", "names a participant twice: each participant has one channel")
        if _repeats(self.participant_ordering):
            raise wrong("participantOrdering", "names a participant twice")
        return self

    def _kind(self) -> tuple[Content, Channel]:
        """Content and channel with what was left out filled in: ACS's default is mixed audioVideo as mp4."""
        channel = self.channel or Channel.MIXED
        audio_only = channel is Channel.UNMIXED or self.format in (MediaFormat.WAV, MediaFormat.MP3)
        return self.content or (Content.AUDIO if audio_only else Content.AUDIO_VIDEO), channel

    def kind(self) -> tuple[Content, Channel, MediaFormat]:
        """Content, channel and format, what was left out filled in from what ACS offers."""
        content, channel = self._kind()
        return content, channel, self.format or OFFERED[content, channel][0]


def parse_start(body: bytes) -> StartRecording:
    """Reads a start request. Raises InvalidRequest naming each wrong field and its mend, never quoting a value."""
    return parse(StartRecording, body)


def _field_name(wire_name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in wire_name)


def _repeats(values: list[Any]) -> bool:
    return len(set(values)) != len(values)
