"""How each task is trained and scored: one file a task, `table` holds the literal table.

The same names as `nlp.tasks`: there a task says what a model answers, here what it learns from.
"""
