// The frame of the page: shows the view that the URL's fragment names, refreshes it while the page is visible, and asks
// for a key if the app requires one.

import { NeedsKey, Problem } from "./api.js";
import { announce, h } from "./dom.js";
import { forget, key } from "./key.js";
import { followKeys, showKeys } from "./keys.js";
import { list } from "./list.js";
import { environment, titleOf } from "./names.js";
import { overview } from "./overview.js";
import { notLoaded, problemNote } from "./problems.js";
import { quarantine } from "./quarantine.js";
import { recording } from "./recording.js";
import { runbook } from "./runbook.js";
import { RefreshTimer } from "./refresh.js";
import { askForKey, restoreView } from "./signin.js";
import { followTheme } from "./theme.js";

const AFTER_A_PROBLEM = 10; // seconds
const UNEXPECTED = "The page can't show this data. Reload the page, or update Callvault.";
const VIEWS = { recordings: list, quarantine };
const positions = new Map(); // how far a view was scrolled when the user left it, by its fragment
const main = document.getElementById("main");
const forgetButton = document.getElementById("forget");
let current = new AbortController();
let view = { refresh: () => {}, press: () => false }; // what keys act on
let keyWasEntered = false;

function destination() {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const [name, ...rest] = path.split("/");
  const parameters = new URLSearchParams(query);
  if (name === "recordings" && rest.length) {
    return { view: recording, name, argument: decode(rest.join("/")), parameters };
  }
  if (name === "runbooks" && rest.length) return { view: runbook, name, argument: decode(rest.join("/")), parameters };
  return { view: VIEWS[name] ?? overview, name: name || "overview", parameters };
}

// If the address is truncated or mistyped, use it unchanged: the app then returns an error that explains the problem.
function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

async function show({ focus = true, left = null } = {}) {
  current.abort();
  if (left !== null) positions.set(left, window.scrollY);
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
  document.getElementById("toasts").replaceChildren();
  window.scrollTo(0, 0);
  let position = target.name === "recordings" && !target.argument ? (positions.get(location.hash) ?? 0) : 0;
  const timer = new RefreshTimer();
  const context = { ...target, signal: controller.signal, refresh: () => timer.refreshNow() };
  const shown = target.view(body, context);
  view = { refresh: context.refresh, press: shown.press ?? (() => false) };
  document.title = titleOf(shown.title);
  if (target.parameters.has("find")) document.getElementById("f-value")?.focus();
  else if (focus) main.focus({ preventScroll: true });
  while (!controller.signal.aborted) {
    const seconds = await refreshView(shown, problems, controller.signal);
    if (position && !controller.signal.aborted) window.scrollTo(0, position);
    position = 0;
    await timer.wait(seconds, controller.signal);
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
    notLoaded(main);
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
  announce("Signed out: the key is forgotten.");
  show();
});
document.getElementById("environment").textContent = environment;
followTheme(document.getElementById("theme"));
followKeys({ refresh: () => view.refresh(), press: (key) => view.press(key) });
document.getElementById("show-keys").addEventListener("click", showKeys);
restoreView();
window.addEventListener("hashchange", (event) => show({ left: new URL(event.oldURL).hash }));
show({ focus: false });
