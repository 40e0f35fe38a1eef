"""The body of a start request, validated as ACS does. ACS refuses some combinations of content, channel and format."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from local.acs.errors import AcsError, invalid_request

ContentType = Literal["audio", "audioVideo"]
ChannelType = Literal["mixed", "unmixed"]
FormatType = Literal["wav", "mp3", "mp4"]

VALID_OUTPUTS: set[tuple[ContentType, ChannelType, FormatType]] = {
    ("audioVideo", "mixed", "mp4"),
    ("audio", "mixed", "mp3"),
    ("audio", "mixed", "wav"),
    ("audio", "unmixed", "wav"),
}
MOST_CHANNELS = 5


class AcsModel(BaseModel):
    # ACS ignores unknown fields.
    model_config = ConfigDict(alias_generator=to_camel, frozen=True, extra="ignore")


class CommunicationUser(AcsModel):
    id: str


class Identifier(AcsModel):
    raw_id: str | None = None
    communication_user: CommunicationUser | None = None

    @property
    def participant_id(self) -> str:
        """The raw id. It is optional in requests."""
        return self.raw_id or (self.communication_user.id if self.communication_user else "")


class Affinity(AcsModel):
    participant: Identifier
    channel: int | None = Field(default=None, ge=0, lt=MOST_CHANNELS)


class Locator(AcsModel):
    kind: str | None = None
    server_call_id: str | None = None
    group_call_id: str | None = None
    room_id: str | None = None


class ExternalStorage(AcsModel):
    recording_storage_kind: Literal["azureCommunicationServices", "azureBlobStorage"]
    recording_destination_container_url: str | None = None


class StartRequest(AcsModel):
    call_locator: Locator | None = None
    call_connection_id: str | None = None
    recording_state_callback_uri: str | None = None
    recording_content_type: ContentType | None = None
    recording_channel_type: ChannelType | None = None
    recording_format_type: FormatType | None = None
    audio_channel_participant_ordering: tuple[Identifier, ...] = ()
    channel_affinity: tuple[Affinity, ...] = ()
    pause_on_start: bool = False
    external_storage: ExternalStorage | None = None

    @property
    def channel(self) -> ChannelType:
        return self.recording_channel_type or "mixed"

    @property
    def content(self) -> ContentType:
        if self.recording_content_type:
            return self.recording_content_type
        return "audio" if self.channel == "unmixed" or self.recording_format_type in ("wav", "mp3") else "audioVideo"

    @property
    def media_format(self) -> FormatType:
        if self.recording_format_type:
            return self.recording_format_type
        if self.channel == "unmixed":
            return "wav"
        return "mp4" if self.content == "audioVideo" else "mp3"

    @property
    def container(self) -> str | None:
        storage = self.external_storage
        if storage is None or storage.recording_storage_kind != "azureBlobStorage":
            return None
        return storage.recording_destination_container_url

    def locators(self) -> list[tuple[str, str]]:
        """The locators in the request, by field name."""
        locator = self.call_locator or Locator()
        given = {
            "callConnectionId": self.call_connection_id,
            "serverCallId": locator.server_call_id,
            "groupCallId": locator.group_call_id,
            "roomId": locator.room_id,
        }
        return [(name, value) for name, value in given.items() if value]


def parse(body: bytes) -> StartRequest:
    try:
        return StartRequest.model_validate_json(body)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "body"
        raise invalid_request(f"Invalid request: {where}: {first['msg']}") from error


def check(request: StartRequest) -> None:
    """Raises ACS's error for an invalid request."""
    if len(request.locators()) != 1:
        raise invalid_request("Exactly one of callLocator and callConnectionId must be given.")
    if (request.content, request.channel, request.media_format) not in VALID_OUTPUTS:
        raise invalid_request(
            f"Recording content {request.content}, channel {request.channel} and format {request.media_format} "
            "don't go together."
        )
    _check_channels(request)
    callback = request.recording_state_callback_uri
    if callback is not None and not callback.lower().startswith("https://"):
        raise invalid_request("recordingStateCallbackUri must be an absolute https URI.")
    storage = request.external_storage
    if storage and storage.recording_storage_kind == "azureBlobStorage":
        container = storage.recording_destination_container_url or ""
        if not container.startswith("https://"):
            raise invalid_request("recordingDestinationContainerUrl must be an absolute https URI.")


def _check_channels(request: StartRequest) -> None:
    ordering, affinity = request.audio_channel_participant_ordering, request.channel_affinity
    if not ordering and not affinity:
        return
    if request.channel != "unmixed":
        raise invalid_request("Channel affinity and participant ordering are for unmixed recordings only.")
    if max(len(ordering), len(affinity)) > MOST_CHANNELS:
        raise invalid_request(f"An unmixed recording has at most {MOST_CHANNELS} channels.")
    channels = [one.channel for one in affinity if one.channel is not None]
    if len(set(channels)) < len(channels):
        raise invalid_request("Two participants can't share a channel.")


def already_recording() -> AcsError:
    return AcsError(400, "8553", "Only one recording of a given type is supported in a call.")
