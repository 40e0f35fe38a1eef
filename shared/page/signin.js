// Asks for the function key, or leads to the sign-in where the app has one. The address of the sign-in holds no filter:
// logs of other servers keep it, and a filter may name a person. The view waits in this tab's storage instead.

import { h } from "./dom.js";
import { keep } from "./key.js";

const VIEW = "callvault-view";

export function askForKey(main, { refused, signIn, then }) {
  const field = h("input", {
    id: "key",
    type: "password",
    name: "key",
    required: true,
    autocomplete: "off",
    spellcheck: "false",
    "aria-describedby": "key-help",
    "aria-invalid": refused ? "true" : null,
  });
  const open = (event) => {
    event.preventDefault();
    const typed = field.value.trim();
    if (!typed) return;
    keep(typed);
    then();
  };
  const entrance = signIn
    ? h(
        "p",
        {},
        h(
          "a",
          { id: "sign-in", class: "button primary", href: signInAddress(), onclick: rememberView },
          "Sign in with Microsoft Entra",
        ),
      )
    : [
        h("label", { for: "key" }, "Function key"),
        field,
        h(
          "p",
          { id: "key-help", class: "dim" },
          "In the portal: the function app, App keys, Host keys. Replaying needs the master key, _master. The key is " +
            "kept for this tab and forgotten with it.",
        ),
        h("button", { class: "primary" }, "Open"),
      ];
  main.replaceChildren(
    h(
      "form",
      { class: "card gate", onsubmit: open },
      h("img", { src: "dashboard/logo.svg", alt: "", width: "40", height: "40" }),
      h("h1", {}, "Open Callvault"),
      refused ? h("p", { class: "note bad", role: "alert" }, "The app refused this key.") : null,
      entrance,
    ),
  );
  document.getElementById(signIn ? "sign-in" : "key").focus();
}

// Shows the view again from which a person went to sign in.
export function restoreView() {
  const view = sessionStorage.getItem(VIEW);
  sessionStorage.removeItem(VIEW);
  if (view && !location.hash) history.replaceState(null, "", view);
}

const rememberView = () => sessionStorage.setItem(VIEW, location.hash);
const signInAddress = () => `/.auth/login/aad?post_login_redirect_uri=${encodeURIComponent(location.pathname)}`;
