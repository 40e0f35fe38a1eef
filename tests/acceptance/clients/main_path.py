"""Records a call with the generated Python client, from the start to the link of a file. Prints the result as JSON.

Arguments: the API's URL, a function key, a serverCallId, and the simulator's URL, at which the call goes on.
"""

import json
import sys
import time
from urllib.parse import quote

import httpx
from callvault_client import AuthenticatedClient
from callvault_client.api.queries import get_content, list_recordings
from callvault_client.api.recordings import (
    get_archive,
    get_recording,
    pause_recording,
    resume_recording,
    start_recording,
    stop_recording,
)
from callvault_client.models import (
    ArchiveRecordView,
    Content,
    Labels,
    MediaFormat,
    Problem,
    RecordingView,
    StartedView,
    StartServerCallId,
)

url, key, server_call_id, acs = sys.argv[1:]
client = AuthenticatedClient(base_url=url, token=key, prefix="", auth_header_name="x-functions-key")

wrong = start_recording.sync(client=client, body=StartServerCallId(server_call_id="not base64!"))
assert isinstance(wrong, Problem), wrong
assert wrong.errors is not None
assert wrong.errors[0].field == "serverCallId"

request = StartServerCallId(
    server_call_id=server_call_id,
    content=Content.AUDIO,
    format_=MediaFormat.MP3,
    correlation="python",
    labels=Labels.from_dict({"made": "by a client"}),
)
started = start_recording.sync(client=client, body=request, idempotency_key="a-client-in-python")
assert isinstance(started, StartedView), started
recording_id = started.recording_id
assert recording_id is not None
for command in (pause_recording, resume_recording):
    assert isinstance(command.sync(recording_id, client=client), RecordingView)
httpx.post(f"{acs}/recordings/{quote(recording_id, safe='')}/advance", json={"seconds": 3}).raise_for_status()
stopped = stop_recording.sync_detailed(recording_id, client=client, prefer="respond-async")
assert stopped.status_code == 202

deadline = time.monotonic() + 120
while not isinstance(record := get_archive.sync(recording_id, client=client), ArchiveRecordView):
    assert time.monotonic() < deadline, record
    time.sleep(0.1)
shown = get_recording.sync(recording_id, client=client)
assert isinstance(shown, RecordingView)
listed = list_recordings.sync(client=client, correlation="python", label="made=by a client")
(chunk,) = record.chunks
link = get_content.sync(recording_id, chunk.document_id, client=client, redirect=False)
media = httpx.get(link.url).raise_for_status().content
sys.stdout.write(
    json.dumps(
        {
            "recordingId": recording_id,
            "state": shown.state,
            "labels": shown.labels.to_dict(),
            "listed": [one.recording_id for one in listed.recordings],
            "sha256": chunk.sha256,
            "downloaded": len(media),
            "size": chunk.size,
        }
    )
)
