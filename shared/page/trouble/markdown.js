// Shows the Markdown of the runbooks: paragraphs, numbered lists, tables, code, bold text and links.

import { h } from "./dom.js";

const INLINE = /\*\*(.+?)\*\*|`([^`]+)`|\[([^\]]+)\]\(([^)]+)\)/g;

export function markdown(text) {
  const blocks = [];
  for (const [n, part] of text.split(/^```.*$/m).entries()) {
    if (n % 2) blocks.push(h("pre", { tabindex: "0" }, h("code", {}, part.trim())));
    else blocks.push(...part.split(/\n\s*\n/).map((one) => one.trim()).filter(Boolean).map(block));
  }
  return blocks;
}

function block(text) {
  const lines = text.split("\n");
  if (lines.every((line) => line.startsWith("|"))) return table(lines);
  if (!lines.every((line) => /^\d+\. /.test(line))) return h("p", {}, inline(text));
  const start = Number.parseInt(text, 10);
  return h("ol", { start: String(start) }, lines.map((line) => h("li", {}, inline(line.replace(/^\d+\. /, "")))));
}

function table([head, , ...rows]) {
  const cells = (line) => line.split("|").slice(1, -1).map((one) => inline(one.trim()));
  return h(
    "table",
    { class: "figures" },
    h("thead", {}, h("tr", {}, cells(head).map((one) => h("th", { scope: "col" }, one)))),
    h("tbody", {}, rows.map((line) => h("tr", {}, cells(line).map((one) => h("td", {}, one))))),
  );
}

function inline(text) {
  const parts = [];
  let end = 0;
  for (const found of text.matchAll(INLINE)) {
    parts.push(text.slice(end, found.index), styled(found));
    end = found.index + found[0].length;
  }
  return [...parts, text.slice(end)];
}

function styled([, bold, code, label, target]) {
  if (bold) return h("strong", {}, inline(bold));
  if (code) return h("code", {}, code);
  return h("a", { href: `#/runbooks/${target.slice(1)}` }, label); // the copy has only links to other runbooks
}
