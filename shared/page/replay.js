// The replay button: puts back what failed, says what came of it, and has the view look again.

import { chunkPath, pathOf, post } from "./api.js";
import { announce, h } from "./dom.js";
import { count } from "./format.js";

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
      announce(`Replay refused: ${error.message}`);
      button.after(h("span", { class: "dim" }, ` ${error.message}`));
    }
    button.disabled = false;
    button.textContent = "Replay";
    then();
  });
  return button;
}
