// Lets only one channel of an unmixed wav be heard, on both ears.

export const ALL = "all";

let context = null; // one for the page: browsers allow only a few

export class ChannelFilter {
  #splitter;

  // `channels` are the numbers that the metadata names.
  constructor(media, channels) {
    context ??= new AudioContext();
    this.#splitter = context.createChannelSplitter(Math.max(...channels) + 1);
    context.createMediaElementSource(media).connect(this.#splitter);
    media.addEventListener("play", () => context.resume());
  }

  select(channel) {
    this.#splitter.disconnect();
    this.#splitter.connect(context.destination, channel);
  }
}
