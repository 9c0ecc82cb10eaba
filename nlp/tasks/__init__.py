"""One file a task: what goes in, what comes out, and the three stages between.

`base` holds the shared types, `table` the literal table of tasks.
"""
