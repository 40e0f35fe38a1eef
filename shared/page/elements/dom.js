// Builds elements without parsing HTML: text stays text, so data can't inject elements or scripts.

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

// Replaces the content of an element, and returns the focus to the element with the same id: a refresh every few
// seconds must not move a user's focus.
export function fill(element, ...children) {
  const focused = element.contains(document.activeElement) ? document.activeElement.id : "";
  element.replaceChildren(...children.flat(Infinity).filter(Boolean));
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
}

// Replaces the content only if its data changed. This keeps a selection and a screen reader's position over a refresh.
export function fillIfChanged(element, data, make) {
  const serialized = JSON.stringify(data);
  if (element.shown === serialized) return;
  element.shown = serialized;
  fill(element, make());
}

// Has screen readers speak the text when they are next idle.
export function announce(text) {
  document.getElementById("announcer").textContent = text;
}
