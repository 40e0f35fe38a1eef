// Asks for the function key, or links to the sign-in page if the app has one. The sign-in URL contains no filter,
// because other servers log it and a filter can identify a person. The view is kept in this tab's storage instead.

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
    const entered = field.value.trim();
    if (!entered) return;
    keep(entered);
    then();
  };
  const access = signIn
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
          "In the Azure portal, open the function app, then App keys, Host keys. Retrying requires the master key, " +
            "_master. The key is kept until you close this tab.",
        ),
        h("button", { class: "primary" }, "Open"),
      ];
  main.replaceChildren(
    h(
      "form",
      { class: "card gate", onsubmit: open },
      h("img", { src: "dashboard/logo.svg", alt: "", width: "40", height: "40" }),
      h("h1", {}, "Open Callvault"),
      refused ? h("p", { class: "note bad", role: "alert" }, "The app rejected this key.") : null,
      access,
    ),
  );
  document.getElementById(signIn ? "sign-in" : "key").focus();
}

// Returns to the view that the user left to sign in.
export function restoreView() {
  const view = sessionStorage.getItem(VIEW);
  sessionStorage.removeItem(VIEW);
  if (view && !location.hash) history.replaceState(null, "", view);
}

const rememberView = () => sessionStorage.setItem(VIEW, location.hash);
const signInAddress = () => `/.auth/login/aad?post_login_redirect_uri=${encodeURIComponent(location.pathname)}`;
