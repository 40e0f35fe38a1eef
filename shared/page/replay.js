// The replay button: puts back what failed, says what came of it, and has the view look again.

import { NeedsKey, chunkPath, pathOf, post } from "./api.js";
import { announce, h } from "./dom.js";
import { count } from "./format.js";

const NEEDS_MASTER_KEY = "Replaying needs the app's master key: choose Forget key at the top, then enter that one.";

export function replayButton({ recording, documentId, about, then }) {
  const path = documentId ? chunkPath(recording, documentId) : pathOf(recording);
  const button = h("button", { id: `replay-${documentId ?? recording}`, "aria-label": `Replay ${about}` }, "Replay");
  button.addEventListener("click", async () => {
    button.disabled = true;
    button.textContent = "Replaying …";
    try {
      const { body } = await post(`${path}/replay`);
      announce(`${count(body.chunks, "chunk")} of ${about} put back.`);
    } catch (error) {
      const reason = error instanceof NeedsKey && !error.signIn ? NEEDS_MASTER_KEY : error.message;
      announce(`Replay refused: ${reason}`);
      button.after(h("span", { class: "dim" }, ` ${reason}`));
    }
    button.disabled = false;
    button.textContent = "Replay";
    then();
  });
  return button;
}
