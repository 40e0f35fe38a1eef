// A runbook, from the copy of docs/operations.md that the app serves.

import { pageFile } from "./api.js";
import { fill, h } from "./dom.js";
import { markdown } from "./markdown.js";
import { loading } from "./problems.js";

const NEVER = 24 * 3600; // seconds

export function runbook(root, { argument }) {
  const text = h("section", { class: "card runbook" }, loading("the runbook"));
  fill(
    root,
    h("nav", { class: "crumbs", "aria-label": "Breadcrumb" }, h("a", { href: "#/" }, "Overview")),
    h("h1", {}, `Runbook: ${argument}`),
    text,
  );
  async function refresh(signal) {
    const section = sections(await pageFile("runbooks.md", signal)).get(argument);
    fill(text, section ? markdown(section) : h("p", {}, "There is no runbook of this name. Go back to the overview."));
    return NEVER;
  }
  return { title: `Runbook ${argument}`, refresh };
}

// The runbooks by name: each begins with a heading of the third level.
export const sections = (text) =>
  new Map(
    text
      .split(/^### /m)
      .slice(1)
      .map((one) => [one.slice(0, one.indexOf("\n")).trim(), one.slice(one.indexOf("\n")).trim()]),
  );
