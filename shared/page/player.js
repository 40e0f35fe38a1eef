// Plays a chunk from the archive by a link that reads one file and soon expires. When it has, a new one is asked for
// and the file goes on where it was.

import { chunkPath, get } from "./api.js";
import { fill, h } from "./dom.js";

export function player(recording, { moved }) {
  const element = h("section", { class: "card player", "aria-labelledby": "player-title", hidden: true });
  let playing = null;

  async function play(chunk, seconds = 0) {
    if (playing?.chunk.documentId === chunk.documentId && playing.media) {
      playing.media.currentTime = seconds;
      return start(playing.media);
    }
    playing = { chunk, media: null };
    element.hidden = false;
    fill(
      element,
      h("h2", { id: "player-title" }, `Chunk ${chunk.index}`),
      h("p", { class: "dim" }, "Asking for the file …"),
    );
    element.scrollIntoView({ block: "nearest" });
    await load(chunk, seconds);
  }

  async function load(chunk, seconds) {
    let link;
    try {
      link = (
        await get(`${chunkPath(recording, chunk.documentId)}/content`, {
          parameters: { disposition: "inline", redirect: "false" },
        })
      ).body;
    } catch (error) {
      fill(
        element,
        h("h2", { id: "player-title" }, `Chunk ${chunk.index}`),
        h("p", { class: "note bad", role: "alert" }, error.message),
      );
      return;
    }
    const kind = link.contentType.startsWith("video/") ? "video" : "audio";
    const media = h(kind, { controls: true, preload: "metadata", "aria-label": `Chunk ${chunk.index}, ${kind}` });
    playing = { chunk, media };
    media.addEventListener(
      "loadedmetadata",
      () => {
        if (seconds) media.currentTime = seconds;
      },
      { once: true },
    );
    media.addEventListener("timeupdate", () => moved(chunk.documentId, media.currentTime));
    media.addEventListener("error", () => again(chunk, media, link));
    media.src = link.url;
    const close = h(
      "button",
      { id: "close-player", class: "quiet", onclick: stop, "aria-label": "Close the player" },
      "Close",
    );
    fill(
      element,
      h(
        "div",
        { class: "bar" },
        h("h2", { id: "player-title" }, `Chunk ${chunk.index}`),
        h("span", { class: "dim" }, link.fileName),
        h("span", { class: "spacer" }),
        close,
      ),
      media,
    );
    start(media);
  }

  function again(chunk, media, link) {
    if (playing?.media !== media) return;
    if (new Date(link.expiresAt) <= new Date()) {
      load(chunk, media.currentTime);
      return;
    }
    fill(
      element,
      h("h2", { id: "player-title" }, `Chunk ${chunk.index}`),
      h(
        "p",
        { class: "note bad", role: "alert" },
        "This browser can't play the file, or can't reach the archive. Download it instead.",
      ),
    );
  }

  function stop() {
    playing?.media?.pause();
    playing = null;
    element.hidden = true;
    fill(element);
  }

  return { element, play };
}

// A browser may want to be asked by a person first; then the controls are there.
const start = (media) => media.play().catch(() => undefined);
