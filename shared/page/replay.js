// The Retry button: replays failed and lost chunks, announces the result, and refreshes the view.

import { NeedsKey, chunkPath, pathOf, post } from "./api.js";
import { announce, h } from "./dom.js";
import { count } from "./format.js";

const NEEDS_MASTER_KEY = "Retrying requires the master key. Choose Forget key at the top, then enter the master key.";

export function replayButton({ recording, documentId, about, then }) {
  const path = documentId ? chunkPath(recording, documentId) : pathOf(recording);
  const button = h("button", { id: `replay-${documentId ?? recording}`, "aria-label": `Retry ${about}` }, "Retry");
  button.addEventListener("click", async () => {
    button.disabled = true;
    button.textContent = "Retrying …";
    try {
      const { body } = await post(`${path}/replay`);
      announce(`${count(body.chunks, "chunk")} queued again.`);
    } catch (error) {
      const advice = error.status === 0 ? " Try again." : "";
      const reason = error instanceof NeedsKey && !error.signIn ? NEEDS_MASTER_KEY : `${error.message}${advice}`;
      announce(`Retry failed: ${reason}`);
      button.after(h("span", { class: "dim" }, ` ${reason}`));
    }
    button.disabled = false;
    button.textContent = "Retry";
    then();
  });
  return button;
}
