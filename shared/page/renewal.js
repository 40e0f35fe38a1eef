// The time between two looks: it ends by itself, when somebody asks, or when the view is left. A page that nobody sees
// looks at nothing until it is seen again.

export class Renewal {
  #asked = false;
  #wake = () => {};

  // May come while a look is under way, which may have begun too early to see why: then another follows at once.
  ask() {
    this.#asked = true;
    this.#wake();
  }

  async wait(seconds, signal) {
    if (!this.#asked && !signal.aborted) await this.#pause(seconds, signal);
    this.#asked = false;
  }

  #pause(seconds, signal) {
    return new Promise((resolve) => {
      const over = new AbortController();
      let due = false;
      const end = () => {
        clearTimeout(timer);
        over.abort();
        resolve();
      };
      const endIfSeen = () => due && !document.hidden && end();
      const timer = setTimeout(() => {
        due = true;
        endIfSeen();
      }, seconds * 1000);
      this.#wake = end;
      document.addEventListener("visibilitychange", endIfSeen, { signal: over.signal });
      signal.addEventListener("abort", end, { signal: over.signal });
    });
  }
}
