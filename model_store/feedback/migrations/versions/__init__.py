"""One file a change of the tables. A shipped one never changes, and none goes back."""
