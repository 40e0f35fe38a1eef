// Calls the app that served this page. Throws NeedsKey if the app asks for a key or a sign-in, and Problem, with the
// contents of the app's problem+json, for any other error.

import { key } from "./key.js";

const BASE = new URL("../", import.meta.url);

export class NeedsKey extends Error {
  constructor(signIn) {
    super("A function key or a sign-in is required.");
    this.signIn = signIn;
  }
}

export class Problem extends Error {
  constructor(status, body) {
    super(body.detail ?? body.title ?? `The app returned status ${status}.`);
    this.status = status;
    this.reason = body.reason ?? "";
    this.fields = body.errors ?? [];
  }
}

export const pathOf = (recording) => `recordings/${encodeURIComponent(recording)}`;
export const chunkPath = (recording, documentId) => `${pathOf(recording)}/chunks/${encodeURIComponent(documentId)}`;

export const get = (path, options = {}) => call("GET", path, options);
export const post = (path, body) => call("POST", path, { body });

async function call(method, path, { parameters = {}, headers = {}, body: sent, signal } = {}) {
  const url = new URL(path, BASE);
  for (const [name, value] of Object.entries(parameters)) if (value) url.searchParams.set(name, value);
  const functionKey = key();
  let response;
  try {
    response = await fetch(url, {
      method,
      signal,
      headers: {
        accept: "application/json",
        ...(sent ? { "content-type": "application/json" } : {}),
        ...headers,
        ...(functionKey ? { "x-functions-key": functionKey } : {}),
      },
      body: sent ? JSON.stringify(sent) : undefined,
      cache: "no-store",
      redirect: "manual", // never send the key to another host
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, { detail: "Can't reach the app." });
  }
  if (response.status === 401 || response.type === "opaqueredirect") {
    throw new NeedsKey(response.type === "opaqueredirect" || response.headers.has("www-authenticate"));
  }
  const text = await response.text();
  const body = text ? parse(text) : {};
  if (!response.ok) throw new Problem(response.status, body);
  return { status: response.status, body, headers: response.headers };
}

// The text of one of the page's own files, which need no key.
export async function pageFile(name, signal) {
  let response;
  try {
    response = await fetch(new URL(name, import.meta.url), { signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, { detail: "Can't reach the app." });
  }
  if (!response.ok) throw new Problem(response.status, {});
  return response.text();
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return {}; // not JSON, for example a gateway's error page
  }
}
