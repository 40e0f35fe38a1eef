// The frame: which view the fragment names, renewing it for as long as it is seen, and asking for a key where needed.

import { NeedsKey, Problem } from "./api.js";
import { announce, h } from "./dom.js";
import { forget, key } from "./key.js";
import { list } from "./list.js";
import { overview } from "./overview.js";
import { complaint } from "./problems.js";
import { recording } from "./recording.js";
import { Renewal } from "./renewal.js";
import { askForKey, restoreView } from "./signin.js";
import { followTheme } from "./theme.js";

const AFTER_A_PROBLEM = 10; // seconds
const main = document.getElementById("main");
const forgetting = document.getElementById("forget");
let current = new AbortController();
let keyWasTried = false;

function destination() {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const [name, ...rest] = path.split("/");
  const parameters = new URLSearchParams(query);
  if (name === "recordings" && rest.length) {
    return { view: recording, name, argument: decoded(rest.join("/")), parameters };
  }
  return { view: name === "recordings" ? list : overview, name: name || "overview", parameters };
}

// An address that was cut or mistyped is shown as what it is: the app refuses it in words.
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

async function show({ moved = true } = {}) {
  current.abort();
  const mine = new AbortController();
  current = mine;
  const there = destination();
  for (const link of document.querySelectorAll("nav a")) {
    if (link.dataset.view === there.name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const problems = h("div", { role: "alert" });
  const body = h("div", { class: "view" });
  main.replaceChildren(problems, body);
  window.scrollTo(0, 0);
  const renewal = new Renewal();
  const context = { ...there, signal: mine.signal, renew: () => renewal.ask() };
  const shown = there.view(body, context);
  document.title = `${shown.title} · Callvault`;
  if (moved) main.focus({ preventScroll: true });
  while (!mine.signal.aborted) {
    await renewal.wait(await renewed(shown, problems, mine.signal), mine.signal);
  }
}

// Seconds until it is to be renewed.
async function renewed(shown, problems, signal) {
  try {
    const seconds = await shown.refresh(signal);
    problems.replaceChildren();
    keyWasTried = false;
    forgetting.hidden = key() === null;
    return seconds;
  } catch (error) {
    if (signal.aborted) return 0;
    if (error instanceof NeedsKey) {
      const refused = keyWasTried && key() !== null;
      forget();
      forgetting.hidden = true;
      current.abort();
      askForKey(main, { refused, signIn: error.signIn, then: enter });
    } else if (error instanceof Problem) {
      problems.replaceChildren(complaint(error));
    } else {
      problems.replaceChildren(complaint(new Problem(0, { detail: "The page met something it can't show." })));
      console.error(error);
    }
    return AFTER_A_PROBLEM;
  }
}

function enter() {
  keyWasTried = true;
  show();
}

document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault(); // the fragment names the view
  main.focus();
});
forgetting.addEventListener("click", () => {
  forget();
  announce("The key is forgotten.");
  show();
});
followTheme(document.getElementById("theme"));
restoreView();
window.addEventListener("hashchange", () => show());
show({ moved: false });
