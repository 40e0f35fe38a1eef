// Plays a chunk from the archive by a link that reads one file and soon expires. When it has, another is asked for and
// the file goes on where it was.

import { chunkPath, get } from "./api.js";
import { fill, h } from "./dom.js";

const CANNOT = "This browser can't play the file, or can't reach the archive. Download it instead.";

export function player(recording, { moved }) {
  const element = h("section", { class: "card player", "aria-labelledby": "player-title", hidden: true });
  let playing = null; // {chunk, media}: what was asked for last

  async function play(chunk, seconds = 0) {
    if (playing?.media && playing.chunk.documentId === chunk.documentId) {
      playing.media.currentTime = seconds;
      return start(playing.media);
    }
    element.hidden = false;
    show(chunk, h("p", { class: "dim" }, "Asking for the file …"));
    element.scrollIntoView({ block: "nearest" });
    return load(chunk, seconds, { again: false });
  }

  async function load(chunk, seconds, { again }) {
    const asked = { chunk, media: null };
    playing = asked;
    let link;
    try {
      link = await linkTo(recording, chunk);
    } catch (error) {
      if (playing === asked) show(chunk, complaint(error.message));
      return;
    }
    if (playing !== asked) return;
    const media = mediaOf(chunk, link);
    asked.media = media;
    let loaded = false;
    media.addEventListener("loadedmetadata", () => {
      loaded = true;
      if (seconds) media.currentTime = seconds;
    });
    media.addEventListener("timeupdate", () => moved(chunk.documentId, media.currentTime));
    media.addEventListener("error", () => {
      if (playing !== asked) return;
      // Only once for a file that never loaded: a clock that is ahead takes every link for expired.
      const expired = new Date(link.expiresAt) <= new Date() && (loaded || !again);
      if (expired) load(chunk, loaded ? media.currentTime : seconds, { again: true });
      else show(chunk, complaint(CANNOT));
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

const complaint = (text) => h("p", { class: "note bad", role: "alert" }, text);

// A browser may want to be asked by a person first; then the controls are there.
const start = (media) => media.play().catch(() => undefined);
