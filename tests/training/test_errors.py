"""The error tree: every error is a TrainingError with a public sentence."""

import pytest

from training import errors

ALL = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, errors.TrainingError)
]


@pytest.mark.parametrize("kind", ALL)
def test_every_error_has_a_sentence_of_its_own_and_stands_in_the_tree(kind: type) -> None:
    others = {other.sentence for other in ALL if other is not kind}
    assert issubclass(kind, errors.TrainingError)
    assert kind.sentence.endswith(".")
    assert kind.sentence not in others
    assert errors.__doc__ is not None
    assert kind.__name__ in errors.__doc__


def test_malformed_lines_lists_the_first_and_counts_the_rest() -> None:
    error = errors.MalformedLinesError([f"a.tsv:{n}: why" for n in range(1, 51)], total=70)
    assert len(error.lines) == errors.SHOWN
    assert "70 malformed lines" in str(error)
    assert "a.tsv:20: why" in str(error)
    assert "a.tsv:21: why" not in str(error)
    assert str(error).endswith("and 50 more")


def test_one_malformed_line_is_singular_and_has_no_rest() -> None:
    error = errors.MalformedLinesError(["a.tsv:3: why"], total=1)
    assert str(error).startswith("1 malformed line (")
    assert "more" not in str(error)
