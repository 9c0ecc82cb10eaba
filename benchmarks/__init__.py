"""Speed and quality, each one command; no timed assertion lives in tests/."""
