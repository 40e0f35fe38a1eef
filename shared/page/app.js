// The frame of the page: shows the view that the URL's fragment names, refreshes it while the page is visible, and asks
// for a key if the app requires one.

import { NeedsKey, Problem } from "./api.js";
import { announce, h } from "./dom.js";
import { forget, key } from "./key.js";
import { list } from "./list.js";
import { overview } from "./overview.js";
import { problemNote } from "./problems.js";
import { recording } from "./recording.js";
import { RefreshTimer } from "./refresh.js";
import { askForKey, restoreView } from "./signin.js";
import { followTheme } from "./theme.js";

const AFTER_A_PROBLEM = 10; // seconds
const UNEXPECTED = "The page can't show this data. Reload the page, or update Callvault.";
const main = document.getElementById("main");
const forgetButton = document.getElementById("forget");
let current = new AbortController();
let keyWasEntered = false;

function destination() {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const [name, ...rest] = path.split("/");
  const parameters = new URLSearchParams(query);
  if (name === "recordings" && rest.length) {
    return { view: recording, name, argument: decode(rest.join("/")), parameters };
  }
  return { view: name === "recordings" ? list : overview, name: name || "overview", parameters };
}

// If the address is truncated or mistyped, use it unchanged: the app then returns an error that explains the problem.
function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

async function show({ focus = true } = {}) {
  current.abort();
  const controller = new AbortController();
  current = controller;
  const target = destination();
  for (const link of document.querySelectorAll("nav a")) {
    if (link.dataset.view === target.name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const problems = h("div", { role: "alert" });
  const body = h("div", { class: "view" });
  main.replaceChildren(problems, body);
  window.scrollTo(0, 0);
  const timer = new RefreshTimer();
  const context = { ...target, signal: controller.signal, refresh: () => timer.refreshNow() };
  const shown = target.view(body, context);
  document.title = `${shown.title} · Callvault`;
  if (focus) main.focus({ preventScroll: true });
  while (!controller.signal.aborted) {
    await timer.wait(await refreshView(shown, problems, controller.signal), controller.signal);
  }
}

// Returns the number of seconds until the next refresh.
async function refreshView(shown, problems, signal) {
  try {
    const seconds = await shown.refresh(signal);
    problems.replaceChildren();
    keyWasEntered = false;
    forgetButton.hidden = key() === null;
    return seconds;
  } catch (error) {
    if (signal.aborted) return 0;
    if (error instanceof NeedsKey) {
      const refused = keyWasEntered && key() !== null;
      forget();
      forgetButton.hidden = true;
      current.abort();
      askForKey(main, { refused, signIn: error.signIn, then: keyEntered });
    } else if (error instanceof Problem) {
      const unreached = new Problem(0, { detail: `${error.message} The page will try again automatically.` });
      problems.replaceChildren(problemNote(error.status ? error : unreached));
    } else {
      problems.replaceChildren(problemNote(new Problem(0, { detail: UNEXPECTED })));
      console.error(error);
    }
    return AFTER_A_PROBLEM;
  }
}

function keyEntered() {
  keyWasEntered = true;
  show();
}

document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault(); // the fragment holds the view, so don't replace it
  main.focus();
});
forgetButton.addEventListener("click", () => {
  forget();
  announce("Key forgotten.");
  show();
});
followTheme(document.getElementById("theme"));
restoreView();
window.addEventListener("hashchange", () => show());
show({ focus: false });
