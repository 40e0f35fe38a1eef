"""Prints the URL for callbacks of calls: `python -m shared.callbackurls`. See shared.recording.callback_urls."""

import sys

from shared.recording.callback_urls import main

if __name__ == "__main__":
    sys.exit(main())
