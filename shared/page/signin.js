// Asks for the function key, or leads to the sign-in where the app has one.

import { h } from "./dom.js";
import { keep } from "./key.js";

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
        h("a", { id: "sign-in", class: "button primary", href: signInAddress() }, "Sign in with Microsoft Entra"),
      )
    : [
        h("label", { for: "key" }, "Function key"),
        field,
        h(
          "p",
          { id: "key-help", class: "dim" },
          "In the portal: the function app, App keys, Host keys. It is kept for this tab and forgotten with it.",
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

const signInAddress = () =>
  `/.auth/login/aad?post_login_redirect_uri=${encodeURIComponent(location.pathname + location.hash)}`;
