// Plays a recording from the archive, chunk after chunk, across pauses and gaps, with short-lived links to one file. When
// a link expires, the player requests another one and continues at the same position.

import { chunkPath, get } from "./api.js";
import { ALL, ChannelFilter } from "./channel.js";
import { fill, h } from "./dom.js";
import { hasMedia, span } from "./format.js";
import { loading } from "./problems.js";

const PLAYBACK_FAILED = "The browser can't play this file or can't reach the archive. Download the file instead.";
const NO_CHANNELS =
  "The archive doesn't let this page read the sound, so it can't single out a channel. Add a CORS rule to the storage " +
  "account: docs/page.md, “Single channels”.";
const SPEEDS = [0.75, 1, 1.25, 1.5, 2];
const STEP = 5; // seconds that an arrow key moves

// `chunksOf` returns the chunks in the order in which they are played, `channelsOf` the channels of a chunk, and `gapOf`
// the seconds between the end of a chunk and the start of the next, if they are known.
export function player(recording, { onTime, chunksOf, channelsOf, gapOf }) {
  const element = h("section", { class: "card player", "aria-labelledby": "player-title", hidden: true });
  let playing = null; // {chunk, media} of the latest request
  let speed = 1;
  let channel = ALL;
  let note = "";

  async function play(chunk, seconds = 0) {
    note = "";
    if (playing?.media && playing.chunk.documentId === chunk.documentId) {
      playing.media.currentTime = seconds;
      return start(playing.media);
    }
    element.hidden = false;
    show(chunk, loading("the file"));
    element.scrollIntoView({ block: "nearest" });
    return load(chunk, seconds, { isRetry: false });
  }

  async function load(chunk, seconds, { isRetry }) {
    playing?.media?.pause();
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
    if (!channelsOf(chunk).includes(channel)) channel = ALL;
    const media = mediaOf(chunk, link, channel !== ALL);
    request.media = media;
    let loaded = false;
    media.addEventListener("loadedmetadata", () => {
      loaded = true;
      media.playbackRate = speed;
      if (seconds) media.currentTime = seconds;
    });
    media.addEventListener("timeupdate", () => onTime(chunk.documentId, media.currentTime));
    media.addEventListener("ended", () => playing === request && playNext(chunk));
    media.addEventListener("error", () => {
      if (playing !== request) return;
      // Retry only once if the file never loaded: if this computer's clock is fast, every link looks expired.
      const expired = new Date(link.expiresAt) <= new Date() && (loaded || !isRetry);
      if (expired) load(chunk, loaded ? media.currentTime : seconds, { isRetry: true });
      else if (channel !== ALL && !loaded) withoutChannel(chunk, seconds);
      else show(chunk, errorNote(PLAYBACK_FAILED));
    });
    if (channel !== ALL) new ChannelFilter(media, channelsOf(chunk)).select(channel);
    media.src = link.url;
    show(chunk, media, link.fileName);
    await start(media);
  }

  function playNext(chunk) {
    const chunks = chunksOf();
    const next = chunks.slice(chunks.findIndex((one) => one.documentId === chunk.documentId) + 1).find(hasMedia);
    if (!next) return;
    const gap = gapOf(chunk, next);
    note = gap > 1 ? `Skipped a gap of ${span(gap)}. ` : "";
    load(next, 0, { isRetry: false });
  }

  // The file needs a permission of the archive that plain playing doesn't need.
  function withoutChannel(chunk, seconds) {
    channel = ALL;
    note = NO_CHANNELS;
    load(chunk, seconds, { isRetry: false });
  }

  function show(chunk, content, fileName = "") {
    const chunks = chunksOf();
    const place = chunks.findIndex((one) => one.documentId === chunk.documentId) + 1;
    fill(
      element,
      h(
        "div",
        { class: "bar" },
        h("h2", { id: "player-title" }, `Chunk ${chunk.index}`),
        chunks.length > 1 ? h("span", { class: "dim" }, `${place} of ${chunks.length}`) : null,
        h("span", { class: "dim file" }, fileName),
        h("span", { class: "spacer" }),
        channelChoice(chunk),
        choice("speed", "Speed", SPEEDS.map((one) => [one, `${one}×`]), speed, (value) => {
          speed = Number(value);
          if (playing?.media) playing.media.playbackRate = speed;
        }),
        h("button", { id: "close-player", class: "quiet", onclick: stop, "aria-label": "Close the player" }, "Close"),
      ),
      note ? h("p", { class: "dim", role: "status" }, note) : null,
      content,
    );
  }

  function channelChoice(chunk) {
    const channels = channelsOf(chunk);
    if (channels.length < 2) return null;
    const options = [[ALL, "All channels"], ...channels.map((one) => [one, `Channel ${one}`])];
    return choice("channel", "Channel", options, channel, (value) => {
      channel = value === ALL ? ALL : Number(value);
      note = "";
      load(chunk, playing?.media?.currentTime ?? 0, { isRetry: false });
    });
  }

  function stop() {
    playing?.media?.pause();
    playing = null;
    element.hidden = true;
    fill(element);
  }

  // Returns whether the key did something.
  function press(key) {
    const media = playing?.media;
    if (!media) return false;
    if (key === " ") media.paused ? start(media) : media.pause();
    else if (key === "ArrowLeft") media.currentTime = Math.max(0, media.currentTime - STEP);
    else if (key === "ArrowRight") media.currentTime += STEP;
    else return false;
    return true;
  }

  return { element, play, press, stop };
}

async function linkTo(recording, chunk) {
  const parameters = { disposition: "inline", redirect: "false" };
  return (await get(`${chunkPath(recording, chunk.documentId)}/content`, { parameters })).body;
}

function mediaOf(chunk, link, isRead) {
  const kind = link.contentType.startsWith("video/") ? "video" : "audio";
  return h(kind, {
    controls: true,
    preload: "metadata",
    crossorigin: isRead ? "anonymous" : null, // only a page that may read the sound can single out a channel
    "aria-label": `Chunk ${chunk.index}, ${kind}`,
  });
}

const choice = (id, label, options, chosen, changed) => [
  h("label", { class: "unseen", for: id }, label),
  h(
    "select",
    { id, onchange: (event) => changed(event.currentTarget.value) },
    options.map(([value, text]) => h("option", { value, selected: value === chosen }, text)),
  ),
];

const errorNote = (text) => h("p", { class: "note bad", role: "alert" }, text);

// Browsers can block playback without a click; the user can then press play in the controls.
const start = (media) => media.play().catch(() => undefined);
