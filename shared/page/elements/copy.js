// A button that copies a text, and says so.

import { h } from "./dom.js";
import { toast } from "./toast.js";

export function copyButton({ id, text, what }) {
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      toast(`Copied the ${what}.`);
    } catch {
      toast("The browser doesn't allow copying. Select the text and copy it.", { failed: true });
    }
  };
  return h("button", { class: "quiet small", id, onclick: copy, "aria-label": `Copy ${what}` }, "Copy");
}
