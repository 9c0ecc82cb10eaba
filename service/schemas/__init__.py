"""Bodies of requests and answers: requests are parsed with these, answers are described by them.

`common` holds what they share, `predict` sentiment, tags and scores of texts, `aspects` aspects and
the three in one, `generate` writing, `models` what is served.
"""
