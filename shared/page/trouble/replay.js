// The Retry buttons: replay failed, lost and waiting chunks, show the result, and refresh the view.

import { NeedsKey, chunkPath, pathOf, post } from "./api.js";
import { h } from "./dom.js";
import { count } from "./format.js";
import { toast } from "./toast.js";

const NEEDS_MASTER_KEY =
  "This requires the master key. Choose Sign out at the top, then enter the master key instead of the function key.";
const MOST_REQUESTS = 200; // of "Retry all"; each reads about 1,000 chunks, or queues about 200

export function replayButton({ recording, documentId, about, then, label = "Retry" }) {
  const path = documentId ? chunkPath(recording, documentId) : pathOf(recording);
  return actionButton({
    id: `replay-${documentId ?? recording}`,
    label,
    about: `${label} ${about}`,
    busy: "Retrying …",
    then,
    act: async () => queued((await post(`${path}/replay`)).body.chunks),
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
      let cursor = null;
      for (let requests = 0; requests < MOST_REQUESTS; requests += 1) {
        const { body } = await post("replay", { reason, cursor });
        chunks += body.chunks;
        cursor = body.nextCursor;
        if (!cursor) return queued(chunks);
      }
      return `${queued(chunks)} There are more: choose Retry all again.`;
    },
  });
}

const queued = (chunks) =>
  chunks ? `${count(chunks, "chunk")} queued again.` : "Nothing to retry: the chunks are queued already.";

// A button that acts once at a time and shows the text that `act` returns.
export function actionButton({ id, label, about, busy, act, then }) {
  const button = h("button", { id, "aria-label": about }, label);
  button.addEventListener("click", async () => {
    button.disabled = true;
    button.textContent = busy;
    try {
      toast(await act());
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
