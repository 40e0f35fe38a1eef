// Lets a person acknowledge a lost or removed chunk, with name and note, so that it no longer counts as needing action.

import { chunkPath, post } from "./api.js";
import { h } from "./dom.js";
import { reasonOf } from "./replay.js";
import { toast } from "./toast.js";

const NAME = "callvault-name"; // kept for this tab, so that a person enters it once

export function acknowledgeButton({ recording, chunk, then }) {
  const button = h("button", { id: `acknowledge-${chunk.documentId}` }, "Acknowledge …");
  button.setAttribute("aria-label", `Acknowledge chunk ${chunk.index}`);
  button.addEventListener("click", () => ask({ recording, chunk, then }));
  return button;
}

function ask({ recording, chunk, then }) {
  const field = (id, label, most, value = "") => [
    h("label", { for: id }, label),
    h("input", { id, value, required: true, maxlength: String(most), autocomplete: "off" }),
  ];
  const fields = [
    ...field("acknowledged-by", "Your name", 128, sessionStorage.getItem(NAME) ?? ""),
    ...field("acknowledged-note", "Note: what happened, or what was done", 1024),
  ];
  const [, name, , note] = fields;
  const send = async (event) => {
    event.preventDefault();
    const given = { name: name.value.trim(), note: note.value.trim() };
    try {
      await post(`${chunkPath(recording, chunk.documentId)}/acknowledge`, given);
      sessionStorage.setItem(NAME, given.name);
      toast(`Chunk ${chunk.index} is acknowledged.`);
    } catch (error) {
      toast(`Acknowledging failed: ${reasonOf(error)}`, { failed: true });
    }
    dialog.close();
    then();
  };
  const dialog = h(
    "dialog",
    { class: "card", "aria-labelledby": "acknowledge-title" },
    h(
      "form",
      { class: "gate", onsubmit: send },
      h("h2", { id: "acknowledge-title" }, `Acknowledge chunk ${chunk.index}`),
      h("p", { class: "dim" }, "It keeps its state, and the overview no longer counts it. Name and note stay in the history."),
      fields,
      h(
        "div",
        { class: "buttons" },
        h("button", { class: "primary" }, "Acknowledge"),
        h("button", { type: "button", onclick: () => dialog.close() }, "Cancel"),
      ),
    ),
  );
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
