"""Texts scored and gone on with, against a model whose every probability is known."""

from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markov import Bigrams, bigram_model

from nlp.decoding import Floats, log_softmax
from nlp.errors import EMPTY_TEXT, INVALID_UNICODE, ModelError, TextError
from nlp.features import Features
from nlp.generation import Generation, GenerationPolicy
from nlp.model import Model
from nlp.search import GREEDY, Sampling
from nlp.tasks.base import Arrays, AspectItem
from nlp.tasks.language_model import LanguageModel, ScoreAnswer
from nlp.text import split_words
from nlp.vocabulary import END, UNKNOWN, build_vocabulary

WORDS = ("the", "soup", "was", "cold", "warm", ",", ".", "n't", "very")


def model_of(task_model: Model) -> LanguageModel:
    assert isinstance(task_model.task, LanguageModel)
    return task_model.task


def scored(model: Model, item: str | tuple[str, ...]) -> ScoreAnswer:
    (answer,) = model.answer([item])
    assert isinstance(answer, ScoreAnswer)
    return answer


def by_hand(model: Model, runtime: Bigrams, words: list[str]) -> Floats:
    """Log-probability of each word and of the end."""
    ids = [model_of(model).vocabulary.id(word) for word in (END, *words, END)]
    table = log_softmax(runtime.logits)
    return np.array([table[a, b] for a, b in pairwise(ids)])


# -- scores --------------------------------------------------------------------------------------


def test_a_text_is_the_product_of_its_words_and_its_end() -> None:
    model, runtime = bigram_model(WORDS)
    answer = scored(model, "the soup was very, very cold.")
    words = ["the", "soup", "was", "very", ",", "very", "cold", "."]
    expected = by_hand(model, runtime, words)
    np.testing.assert_allclose([t.log_probability for t in answer.tokens], expected[:-1], atol=1e-5)
    assert answer.end_log_probability == pytest.approx(expected[-1], abs=1e-5)
    assert answer.log_probability == pytest.approx(expected.sum(), abs=1e-5)
    assert answer.perplexity == pytest.approx(np.exp(-expected.mean()), rel=1e-5)
    assert [t.text for t in answer.tokens] == words
    assert [(t.start, t.end) for t in answer.tokens][3:5] == [(13, 17), (17, 18)]


def test_the_answer_says_all_of_it() -> None:
    model, _ = bigram_model(WORDS)
    answer = scored(model, ("the", "zebra"))
    found = answer.to_dict()
    zebra = answer.tokens[1].to_dict()
    assert zebra == {
        "text": "zebra",
        "start": None,
        "end": None,
        "log_probability": answer.tokens[1].log_probability,
        "unknown": True,
    }
    assert found == {
        "perplexity": answer.perplexity,
        "log_probability": answer.log_probability,
        "end_log_probability": answer.end_log_probability,
        "tokens": [answer.tokens[0].to_dict(), zebra],
        "windows": 1,
    }


def test_a_word_of_pretrained_vectors_alone_is_unknown_as_a_next_word() -> None:
    model, runtime = bigram_model(WORDS, more=["goulash"])
    answer = scored(model, ("the", "goulash", "was"))
    ids = [model_of(model).vocabulary.id(word) for word in ("the", "goulash", "was")]
    table = log_softmax(runtime.logits)
    logs = [token.log_probability for token in answer.tokens]
    assert [token.unknown for token in answer.tokens] == [False, True, False]
    assert logs[1] == pytest.approx(table[ids[0], UNKNOWN], abs=1e-5)
    assert logs[2] == pytest.approx(table[ids[1], ids[2]], abs=1e-5)  # read as itself


@settings(max_examples=50)
@given(length=st.integers(1, 60), window=st.integers(1, 12), seed=st.integers(0, 99))
def test_a_long_text_is_scored_word_by_word_whatever_the_window(
    length: int, window: int, seed: int
) -> None:
    model, runtime = bigram_model(WORDS, window=window)
    words = [str(w) for w in np.random.default_rng(seed).choice([*WORDS, "zebra"], length)]
    answer = scored(model, tuple(words))
    found = [*(token.log_probability for token in answer.tokens), answer.end_log_probability]
    np.testing.assert_allclose(found, by_hand(model, runtime, words), atol=1e-5)
    assert [token.text for token in answer.tokens] == words


@given(length=st.integers(1, 60), window=st.integers(2, 12))
def test_later_windows_score_with_half_a_window_before_each_word(length: int, window: int) -> None:
    task = model_of(bigram_model(WORDS, window=window)[0])
    first, *later = task.encode(("soup",) * length).windows
    assert first.arrays["asked"][0] == 1
    assert all(len(w.words) == window for w in later)
    assert all(w.arrays["asked"][0] - 1 >= window // 2 for w in later)
    assert all(w.arrays["asked"][-1] == len(w.words) for w in (first, *later))
    assert sum(len(w.arrays["asked"]) for w in (first, *later)) == length + 1


@given(length=st.integers(1, 60), window=st.integers(1, 12))
def test_training_windows_ask_each_word_once_and_do_not_overlap(length: int, window: int) -> None:
    task = model_of(bigram_model(WORDS, window=window)[0])
    words = tuple(WORDS[i % len(WORDS)] for i in range(length))
    windows = task.training_windows(words)
    assert [w for part in windows for w in part.words] == [END, *words]
    following = np.concatenate([part.arrays["following"] for part in windows])
    assert following.tolist() == task.vocabulary.ids((*words, END)).tolist()
    assert all(len(part.words) == len(part.arrays["asked"]) <= window for part in windows)


def test_an_end_that_words_bring_along_is_not_doubled() -> None:
    model, runtime = bigram_model(WORDS)
    lines = ("the", "soup", END, "very", "cold", END)
    answer = scored(model, lines)
    assert answer.to_dict() == scored(model, lines[:-1]).to_dict()
    assert answer.predictions == len(lines)
    expected = by_hand(model, runtime, list(lines[:-1])).sum()
    assert answer.log_probability == pytest.approx(expected, abs=1e-5)


def test_the_text_of_an_item_with_aspects_is_scored() -> None:
    model, _ = bigram_model(WORDS)
    assert model.answer([AspectItem("the soup")]) == model.answer(["the soup"])


@pytest.mark.parametrize("item", ["", " \n", (), (END,)])
def test_a_text_without_words_is_refused(item: str | tuple[str, ...]) -> None:
    with pytest.raises(TextError) as caught:
        bigram_model(WORDS)[0].encode(item)
    assert caught.value.code == EMPTY_TEXT


def test_a_vocabulary_without_an_end_is_refused() -> None:
    vocabulary = build_vocabulary(["soup"], lowercase=True)
    with pytest.raises(ModelError, match="must hold '</s>'"):
        LanguageModel(split_words, vocabulary, Features(("words",)))


# -- generation ----------------------------------------------------------------------------------


def finished(model: Model, prompt: str, policy: GenerationPolicy) -> Generation:
    generation = model_of(model).generate(prompt, policy)
    assert generation.finish_reason is None
    while windows := generation.wanted():
        generation.take(model.forward(windows))
        generation.new()
    return generation


def allowed(runtime: Bigrams) -> Floats:
    """Log-probabilities among the words that may be written."""
    logits = runtime.logits.astype(np.float64)
    logits[:, :2] = -np.inf
    return log_softmax(logits)


@pytest.mark.parametrize("seed", range(5))
def test_greedy_takes_the_most_probable_word_each_time(seed: int) -> None:
    model, runtime = bigram_model(WORDS, seed=seed)
    vocabulary, table = model_of(model).vocabulary, allowed(runtime)
    generation = finished(model, "the soup", GenerationPolicy(max_new_tokens=6, sampling=GREEDY))
    word, total = vocabulary.id("soup"), 0.0
    expected: list[str] = []
    while len(expected) < 6 and (not expected or expected[-1] != END):
        total += table[word].max()
        word = int(table[word].argmax())
        expected.append(vocabulary.words[word])
    ended = expected[-1] == END
    assert generation.tokens == tuple(expected[:-1] if ended else expected)
    assert generation.finish_reason == ("end" if ended else "length")
    assert generation.log_probability == pytest.approx(total)


def test_a_beam_finds_the_most_probable_of_all_texts() -> None:
    model, runtime = bigram_model(WORDS[:4], seed=3)
    vocabulary, table, limit = model_of(model).vocabulary, allowed(runtime), 4
    best: tuple[float, tuple[str, ...]] = (-np.inf, ())
    for length in range(limit + 1):
        for words in product(WORDS[:4], repeat=length):
            path = ["was", *words, *([END] if length < limit else [])]
            score = sum(table[vocabulary.id(a), vocabulary.id(b)] for a, b in pairwise(path))
            best = max(best, (float(score), words))
    policy = GenerationPolicy(max_new_tokens=limit, beams=500)
    generation = finished(model, "the soup was", policy)
    assert generation.tokens == best[1]
    assert generation.log_probability == pytest.approx(best[0])


def test_a_beam_shows_nothing_before_it_is_certain() -> None:
    model, _ = bigram_model(WORDS, seed=4)
    generation = model_of(model).generate("", GenerationPolicy(max_new_tokens=5, beams=3))
    shown = []
    while windows := generation.wanted():
        assert (generation.tokens, generation.text) == ((), "")
        generation.take(model.forward(windows))
        shown.append(generation.new())
    assert set(shown[:-1]) <= {""}
    assert shown[-1] == generation.text != ""


def test_equal_seeds_write_equal_texts() -> None:
    model, _ = bigram_model(WORDS)
    texts = [
        finished(model, "the", GenerationPolicy(sampling=Sampling(seed=seed))).text
        for seed in (1, 1, 2, 3)
    ]
    assert texts[0] == texts[1]
    assert len(set(texts)) == 3


def test_words_are_drawn_as_often_as_the_model_says() -> None:
    model, runtime = bigram_model(WORDS, seed=1)
    vocabulary = model_of(model).vocabulary
    draws, counts = 600, np.zeros(vocabulary.trained)
    for seed in range(draws):
        policy = GenerationPolicy(max_new_tokens=1, sampling=Sampling(seed=seed))
        generation = finished(model, "the", policy)
        word = END if generation.finish_reason == "end" else generation.tokens[0]
        counts[vocabulary.id(word)] += 1
    expected = np.exp(allowed(runtime)[vocabulary.id("the")])
    assert (np.abs(counts / draws - expected) <= 4 * np.sqrt(expected / draws)).all()


@settings(max_examples=30)
@given(seed=st.integers(0, 9), beams=st.sampled_from([0, 0, 2]), chain=st.integers(0, 99))
def test_neither_padding_nor_the_unknown_word_is_written(seed: int, beams: int, chain: int) -> None:
    model, runtime = bigram_model(WORDS, seed=chain)
    runtime.logits[:, :2] = 50.0  # what the network would most like to say
    policy = GenerationPolicy(max_new_tokens=8, sampling=Sampling(seed=seed), beams=beams)
    assert set(finished(model, "zebra", policy).tokens) <= set(WORDS)


def test_prompt_and_text_are_one_text_whose_words_are_the_models() -> None:
    model, _ = bigram_model(WORDS, seed=2)
    prompt = "the soup was"
    for seed in range(20):
        policy = GenerationPolicy(max_new_tokens=8, sampling=Sampling(seed=seed))
        generation = finished(model, prompt, policy)
        words = split_words(prompt + generation.text).words
        # "n't" behind a blank splits as it stands: joined, it is split off the word before it.
        assert "".join(words) == "".join((*split_words(prompt).words, *generation.tokens))
        assert " ," not in generation.text
        assert " ." not in generation.text


def test_a_prompt_longer_than_the_window_is_read_from_its_end() -> None:
    model, runtime = bigram_model(WORDS, window=4)
    generation = finished(model, "the soup was very very cold", GenerationPolicy(max_new_tokens=3))
    assert (generation.prompt_tokens, generation.prompt_tokens_read) == (6, 4)
    read = [arrays["words"][0].tolist() for arrays in runtime.seen]
    ids = model_of(model).vocabulary.ids
    assert read[0] == ids(("was", "very", "very", "cold")).tolist()
    assert all(len(row) == 4 for row in read)
    assert read[1][:3] == read[0][1:]


def test_a_short_prompt_is_read_from_the_start_of_a_text() -> None:
    model, runtime = bigram_model(WORDS)
    generation = finished(model, "the soup", GenerationPolicy(max_new_tokens=1))
    assert (generation.prompt_tokens, generation.prompt_tokens_read) == (2, 2)
    ids = model_of(model).vocabulary.ids
    expected: Arrays = {
        "words": ids((END, "the", "soup"))[None],
        "asked": np.array([[3]]),
        "following": np.array([[0]]),
    }
    (arrays,) = runtime.seen
    assert {name: array.tolist() for name, array in arrays.items()} == {
        name: array.tolist() for name, array in expected.items()
    }


def test_an_empty_prompt_starts_a_text_and_a_broken_one_is_refused() -> None:
    model, _ = bigram_model(WORDS)
    generation = finished(model, "", GenerationPolicy(max_new_tokens=4, beams=2))
    assert (generation.prompt_tokens, generation.prompt_tokens_read) == (0, 0)
    assert generation.text == generation.text.strip()
    with pytest.raises(TextError) as caught:
        model_of(model).generate("\ud800", GenerationPolicy())
    assert caught.value.code == INVALID_UNICODE


def test_generations_of_several_prompts_share_batches() -> None:
    model, runtime = bigram_model(WORDS, seed=5)
    policies = [GenerationPolicy(max_new_tokens=4, sampling=Sampling(seed=s)) for s in range(3)]
    alone = [finished(model, "the soup", policy).tokens for policy in policies]
    runtime.seen.clear()
    together = [model_of(model).generate("the soup", policy) for policy in policies]
    model.run(together)
    assert [generation.tokens for generation in together] == alone
    assert len(runtime.seen) <= 4
    assert len(runtime.seen[0]["words"]) == 3


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"max_new_tokens": 0}, "max_new_tokens must be 1 or more"),
        ({"beams": -1}, "beams must be 0"),
        ({"length_penalty": -0.5}, "length_penalty must be 0 or more"),
        ({"length_penalty": float("nan")}, "length_penalty must be 0 or more"),
        ({"beams": 3, "sampling": Sampling(top_k=5)}, "beams draw nothing"),
    ],
)
def test_policies_that_make_no_sense_are_refused(wrong: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        GenerationPolicy(**wrong)  # type: ignore[arg-type]
