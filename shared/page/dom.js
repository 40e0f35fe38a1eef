// Elements without markup: text goes in as text, so no value from outside can ever become an element or a script.

const SVG = "http://www.w3.org/2000/svg";

export const h = (tag, props, ...children) => build(document.createElement(tag), props, children);
export const svg = (tag, props, ...children) => build(document.createElementNS(SVG, tag), props, children);

function build(element, props, children) {
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "style") for (const [key, text] of Object.entries(value)) element.style.setProperty(key, text);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(
    ...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false),
  );
  return element;
}

// Replaces what is in a part of the page, and gives the focus back to the element of the same id: what is renewed
// every few seconds must not throw anybody out.
export function fill(element, ...children) {
  const focused = element.contains(document.activeElement) ? document.activeElement.id : "";
  element.replaceChildren(...children.flat(Infinity).filter(Boolean));
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
}

// Fills only when what is shown has changed, so that a selection, or a screen reader's place, survives the renewal.
export function fillIfNew(element, facts, make) {
  const seen = JSON.stringify(facts);
  if (element.shown === seen) return;
  element.shown = seen;
  fill(element, make());
}

// Tells a screen reader, at its next pause.
export function announce(text) {
  document.getElementById("announcer").textContent = text;
}
