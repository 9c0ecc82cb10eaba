"""A text of our own whose counts are those of the lecture's worked review."""

REVIEW = (
    "The hotel by the station is overpriced, and its breakfast is second-class. There was no towel "
    "in the room. Still, the garden is beautiful, the staff is friendly and the beds are "
    "comfortable. My sister took the train with me in the evening, and from the roof we saw the "
    "town and the river in the last hour."
)


VECTOR = (3, 2, 1, 3, 0, 4.19)
"""Positive words, negative words, no, pronouns, !, ln(66): as the lecture gives it."""
