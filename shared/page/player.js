// Plays a chunk from the archive with a short-lived link to one file. When the link expires, the player requests
// another one and continues at the same position.

import { chunkPath, get } from "./api.js";
import { fill, h } from "./dom.js";

const PLAYBACK_FAILED = "The browser can't play this file or can't reach the archive. Download the file instead.";

export function player(recording, { onTime }) {
  const element = h("section", { class: "card player", "aria-labelledby": "player-title", hidden: true });
  let playing = null; // {chunk, media} of the latest request

  async function play(chunk, seconds = 0) {
    if (playing?.media && playing.chunk.documentId === chunk.documentId) {
      playing.media.currentTime = seconds;
      return start(playing.media);
    }
    element.hidden = false;
    show(chunk, h("p", { class: "dim" }, "Loading …"));
    element.scrollIntoView({ block: "nearest" });
    return load(chunk, seconds, { isRetry: false });
  }

  async function load(chunk, seconds, { isRetry }) {
    const request = { chunk, media: null };
    playing = request;
    let link;
    try {
      link = await linkTo(recording, chunk);
    } catch (error) {
      if (playing === request) show(chunk, errorNote(error.message));
      return;
    }
    if (playing !== request) return;
    const media = mediaOf(chunk, link);
    request.media = media;
    let loaded = false;
    media.addEventListener("loadedmetadata", () => {
      loaded = true;
      if (seconds) media.currentTime = seconds;
    });
    media.addEventListener("timeupdate", () => onTime(chunk.documentId, media.currentTime));
    media.addEventListener("error", () => {
      if (playing !== request) return;
      // Retry only once if the file never loaded: if this computer's clock is fast, every link looks expired.
      const expired = new Date(link.expiresAt) <= new Date() && (loaded || !isRetry);
      if (expired) load(chunk, loaded ? media.currentTime : seconds, { isRetry: true });
      else show(chunk, errorNote(PLAYBACK_FAILED));
    });
    media.src = link.url;
    show(chunk, media, link.fileName);
    await start(media);
  }

  function show(chunk, content, note = "") {
    const close = { id: "close-player", class: "quiet", onclick: stop, "aria-label": "Close the player" };
    const title = h("h2", { id: "player-title" }, `Chunk ${chunk.index}`);
    const spacer = h("span", { class: "spacer" });
    const bar = [title, h("span", { class: "dim" }, note), spacer, h("button", close, "Close")];
    fill(element, h("div", { class: "bar" }, bar), content);
  }

  function stop() {
    playing?.media?.pause();
    playing = null;
    element.hidden = true;
    fill(element);
  }

  return { element, play };
}

async function linkTo(recording, chunk) {
  const parameters = { disposition: "inline", redirect: "false" };
  return (await get(`${chunkPath(recording, chunk.documentId)}/content`, { parameters })).body;
}

function mediaOf(chunk, link) {
  const kind = link.contentType.startsWith("video/") ? "video" : "audio";
  return h(kind, { controls: true, preload: "metadata", "aria-label": `Chunk ${chunk.index}, ${kind}` });
}

const errorNote = (text) => h("p", { class: "note bad", role: "alert" }, text);

// Browsers can block playback without a click; the user can then press play in the controls.
const start = (media) => media.play().catch(() => undefined);
