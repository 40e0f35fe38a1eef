// Records a call with a client of generated types, from the start to the link of a file. Prints the result as JSON.
// Arguments: the API's URL, a function key, a serverCallId, and the simulator's URL, at which the call goes on.
import createClient from "openapi-fetch";
import type { components, paths } from "./api";

declare const process: { argv: string[] };
const [url, key, serverCallId, acs] = process.argv.slice(2);
const api = createClient<paths>({ baseUrl: url, headers: { "x-functions-key": key } });

function expect<T>(value: T | undefined, error?: unknown): T {
  if (value === undefined) throw new Error(JSON.stringify(error));
  return value;
}

const wrong = await api.POST("/recordings", { body: { serverCallId: "not base64!" } });
const problem: components["schemas"]["Problem"] | undefined = wrong.response.status === 400 ? wrong.error : undefined;
if (problem?.errors?.[0]?.field !== "serverCallId") throw new Error(JSON.stringify(wrong.error));

const start: components["schemas"]["StartRecording"] = {
  serverCallId,
  content: "audio",
  format: "mp3",
  correlation: "typescript",
  labels: { made: "by a client" },
};
const started = await api.POST("/recordings", {
  body: start,
  params: { header: { "Idempotency-Key": "a-client-in-typescript" } },
});
const recordingId = expect(expect(started.data, started.error).recordingId ?? undefined);
const path = { recordingId };
for (const command of ["pause", "resume"] as const) {
  const answer = await api.POST(`/recordings/{recordingId}/${command}`, { params: { path } });
  expect(answer.data, answer.error);
}
await fetch(`${acs}/recordings/${encodeURIComponent(recordingId)}/advance`, {
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify({ seconds: 3 }),
});
const stopped = await api.POST("/recordings/{recordingId}/stop", {
  params: { path, header: { Prefer: "respond-async" } },
});
if (stopped.response.status !== 202) throw new Error(JSON.stringify(stopped.error));

async function archived(): Promise<components["schemas"]["ArchiveRecordView"]> {
  for (const deadline = Date.now() + 120_000; Date.now() < deadline; ) {
    const answer = await api.GET("/recordings/{recordingId}/archive", { params: { path } });
    const found = expect(answer.data, answer.error);
    if (!("waitingFor" in found)) return found;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error("not archived in time");
}

const [chunk] = (await archived()).chunks;
const shown = await api.GET("/recordings/{recordingId}", { params: { path } });
const listed = await api.GET("/recordings", { params: { query: { correlation: "typescript", label: "made=by a client" } } });
const link = await api.GET("/recordings/{recordingId}/chunks/{documentId}/content", {
  params: { path: { recordingId, documentId: chunk.documentId }, query: { redirect: false } },
});
const media = await (await fetch(expect(link.data, link.error).url)).arrayBuffer();
console.log(
  JSON.stringify({
    recordingId,
    state: expect(shown.data).state,
    labels: expect(shown.data).labels,
    listed: expect(listed.data).recordings.map((one) => one.recordingId),
    sha256: chunk.sha256,
    downloaded: media.byteLength,
    size: chunk.size,
  }),
);
