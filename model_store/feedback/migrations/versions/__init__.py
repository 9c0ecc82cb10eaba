"""One file a change, oldest first by `down_revision`. A shipped one never changes."""
