// Waits between two refreshes of a view. The wait ends after its time, on request, or when the user leaves the view. A
// hidden page doesn't refresh until it is visible again.

export class RefreshTimer {
  #requested = false;
  #wake = () => {};

  // If a refresh is running, it may have read the data before the change, so another refresh follows immediately.
  refreshNow() {
    this.#requested = true;
    this.#wake();
  }

  async wait(seconds, signal) {
    if (!this.#requested && !signal.aborted) await this.#pause(seconds, signal);
    this.#requested = false;
  }

  #pause(seconds, signal) {
    return new Promise((resolve) => {
      const finished = new AbortController();
      let due = false;
      const end = () => {
        clearTimeout(timer);
        finished.abort();
        resolve();
      };
      const endIfVisible = () => due && !document.hidden && end();
      const timer = setTimeout(() => {
        due = true;
        endIfVisible();
      }, seconds * 1000);
      this.#wake = end;
      document.addEventListener("visibilitychange", endIfVisible, { signal: finished.signal });
      signal.addEventListener("abort", end, { signal: finished.signal });
    });
  }
}
