// The Retry buttons: replay failed, lost and waiting chunks, show the result, and refresh the view.

import { NeedsKey, chunkPath, pathOf, post } from "./api.js";
import { h } from "./dom.js";
import { count } from "./format.js";
import { toast } from "./toast.js";

const NEEDS_MASTER_KEY =
  "This requires the master key. Choose Sign out at the top, then enter the master key instead of the function key.";
const MOST_REQUESTS = 50; // of "Retry all"; each queues about 200 chunks

export function replayButton({ recording, documentId, about, then, label = "Retry" }) {
  const path = documentId ? chunkPath(recording, documentId) : pathOf(recording);
  return actionButton({
    id: `replay-${documentId ?? recording}`,
    label,
    about: `${label} ${about}`,
    busy: "Retrying …",
    then,
    act: async () => (await post(`${path}/replay`)).body.chunks,
  });
}

export function retryAllButton({ reason, then }) {
  return actionButton({
    id: `retry-all-${reason}`,
    label: "Retry all",
    about: `Retry all chunks with the reason ${reason}`,
    busy: "Retrying …",
    then,
    act: async () => {
      let chunks = 0;
      for (let requests = 0; requests < MOST_REQUESTS; requests += 1) {
        const { body } = await post("replay", { reason });
        chunks += body.chunks;
        if (!body.more || !body.chunks) break;
      }
      return chunks;
    },
  });
}

// A button that acts once at a time and shows the result. `act` returns the number of chunks.
function actionButton({ id, label, about, busy, act, then }) {
  const button = h("button", { id, "aria-label": about }, label);
  button.addEventListener("click", async () => {
    button.disabled = true;
    button.textContent = busy;
    try {
      const chunks = await act();
      toast(chunks ? `${count(chunks, "chunk")} queued again.` : "Nothing to retry: the chunks are queued already.");
    } catch (error) {
      toast(`${label} failed: ${reasonOf(error)}`, { failed: true });
    }
    button.disabled = false;
    button.textContent = label;
    then();
  });
  return button;
}

export const reasonOf = (error) =>
  error instanceof NeedsKey && !error.signIn ? NEEDS_MASTER_KEY : `${error.message}${error.status === 0 ? " Try again." : ""}`;
