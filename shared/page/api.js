// Calls to the app that served this page. Where it asks for a key or a sign-in, NeedsKey is thrown; any other
// refusal is a Problem, as the app's problem+json tells it.

import { key } from "./key.js";

const BASE = new URL("../", import.meta.url);

export class NeedsKey extends Error {
  constructor(signIn) {
    super("a key or a sign-in is needed");
    this.signIn = signIn;
  }
}

export class Problem extends Error {
  constructor(status, told) {
    super(told.detail ?? told.title ?? `The app answered ${status}.`);
    this.status = status;
    this.reason = told.reason ?? "";
    this.fields = told.errors ?? [];
  }
}

export const pathOf = (recording) => `recordings/${encodeURIComponent(recording)}`;
export const chunkPath = (recording, documentId) => `${pathOf(recording)}/chunks/${encodeURIComponent(documentId)}`;

export const get = (path, options = {}) => call("GET", path, options);
export const post = (path) => call("POST", path, {});

async function call(method, path, { parameters = {}, headers = {}, signal } = {}) {
  const url = new URL(path, BASE);
  for (const [name, value] of Object.entries(parameters)) if (value) url.searchParams.set(name, value);
  const typed = key();
  let response;
  try {
    response = await fetch(url, {
      method,
      signal,
      headers: { accept: "application/json", ...headers, ...(typed ? { "x-functions-key": typed } : {}) },
      cache: "no-store",
      redirect: "manual", // a key must never follow to another host
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, { detail: "The app can't be reached. It is asked again by itself." });
  }
  if (response.status === 401 || response.type === "opaqueredirect") {
    throw new NeedsKey(response.type === "opaqueredirect" || response.headers.has("www-authenticate"));
  }
  const text = await response.text();
  const body = text ? parsed(text) : {};
  if (!response.ok) throw new Problem(response.status, body);
  return { status: response.status, body, headers: response.headers };
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return {}; // a gateway's error page
  }
}
