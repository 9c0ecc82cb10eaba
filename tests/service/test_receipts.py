"""Receipts: what was signed comes back, what was touched does not; keys come and go."""

import base64
import stat
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from structlog.testing import capture_logs

from model_store import Version
from model_store.feedback import Span, spans_digest
from nlp.tasks.aspects import AspectsAnswer, JudgedAspect
from nlp.tasks.base import Answer, Aspect, AspectItem
from nlp.tasks.pairs import AspectPair, PairsAnswer
from nlp.tasks.sentiment import SentimentAnswer
from nlp.tasks.tagging import TaggedToken, TaggingAnswer
from service.items import GivenItem
from service.places import as_it_is
from service.receipt_keys import default_key_file, load_keys
from service.receipts import BadReceiptError, ExpiredReceiptError, Receipt, Receipts
from service.settings import Settings

OLD, NEW = "an old secret of thirty-two chars.", "a new secret of thirty-two chars.."
TEXT = "Große Suppe 🙂"
DAY = 24 * 3600
SENTIMENT = Version("sentiment", 7, "ab" * 32)


@dataclass(frozen=True)
class Said:
    """Who answered."""

    version: Version = SENTIMENT
    task: str = "sentiment"


def receipts(keys: str = OLD, now: float = 1e9, **changes: Any) -> Receipts:  # noqa: ANN401
    return Receipts(Settings.model_validate({"receipt_keys": keys, **changes}), lambda: now)


def answer(label: str = "positive", score: float = 0.75) -> SentimentAnswer:
    return SentimentAnswer(label, score, {label: score}, 1)


def issued(
    by: Receipts, said: Answer | None = None, item: GivenItem = TEXT, who: Said | None = None
) -> dict[str, Any]:
    render = by.sealing(as_it_is, who or Said(), asked=True)
    return render(item, said or answer())


def opened(said: Answer, item: GivenItem = TEXT) -> Receipt:
    by = receipts()
    return by.open(issued(by, said, item)["receipt"])


@given(
    label=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40),
    score=st.floats(0, 1),
    number=st.integers(1, 999_999_999),
    text=st.text(st.characters(exclude_categories=["Cs"]), max_size=50),
)
def test_what_was_signed_comes_back(label: str, score: float, number: int, text: str) -> None:
    by, who = receipts(), Said(Version("tickets.v2", number, "0123456789abcdef" * 4))
    content = issued(by, answer(label, score), text, who)
    found = by.open(content["receipt"])
    prediction = found.prediction
    assert (prediction.model, prediction.version) == ("tickets.v2", number)
    assert (prediction.task, prediction.digest) == ("sentiment", "0123456789abcdef")
    assert (prediction.predicted, prediction.score, prediction.id) == (label, score, content["id"])
    assert found.is_of(text)
    assert not found.is_of(text + " ")
    assert {key: content[key] for key in ("label", "score")} == {"label": label, "score": score}


@given(st.data())
def test_any_flipped_bit_is_refused(data: st.DataObject) -> None:
    by = receipts()
    receipt = issued(by)["receipt"]
    raw = bytearray(base64.urlsafe_b64decode(receipt + "=" * (-len(receipt) % 4)))
    place = data.draw(st.integers(0, len(raw) * 8 - 1))
    raw[place // 8] ^= 1 << place % 8
    with pytest.raises(BadReceiptError):
        by.open(base64.urlsafe_b64encode(raw).rstrip(b"=").decode())


@given(st.data())
def test_any_other_character_is_refused(data: st.DataObject) -> None:
    """The last character holds bits that no byte needs: they must be zero, too."""
    by = receipts()
    receipt = issued(by)["receipt"]
    place = data.draw(st.integers(0, len(receipt) - 1) | st.just(len(receipt) - 1))
    other = data.draw(st.characters(codec="ascii").filter(lambda one: one != receipt[place]))
    with pytest.raises(BadReceiptError):
        by.open(receipt[:place] + other + receipt[place + 1 :])


@given(
    st.text(max_size=300) | st.binary(max_size=300).map(lambda raw: base64.b64encode(raw).decode())
)
def test_what_was_never_signed_is_refused(receipt: str) -> None:
    with pytest.raises(BadReceiptError):
        receipts().open(receipt)


def test_no_part_can_be_taken_from_another_receipt() -> None:
    """The payload that says what one would like, with the signature of another."""
    by = receipts()
    others = [
        issued(by, answer("negative")),
        issued(by, item="another text"),
        issued(by, who=Said(Version("sentiment", 8, "ab" * 32))),
        issued(by, who=Said(Version("other", 7, "ab" * 32))),
        issued(by, answer(score=0.5)),
    ]
    signature = _raw(issued(by)["receipt"])[-32:]
    for other in others:
        forged = _raw(other["receipt"])[:-32] + signature
        with pytest.raises(BadReceiptError):
            by.open(base64.urlsafe_b64encode(forged).rstrip(b"=").decode())


def _raw(receipt: str) -> bytes:
    return base64.urlsafe_b64decode(receipt + "=" * (-len(receipt) % 4))


def test_each_prediction_has_its_own_id() -> None:
    by = receipts()
    assert len({issued(by)["id"] for _ in range(100)}) == 100


def test_the_text_cannot_be_guessed_without_the_key() -> None:
    digests = {
        by.open(issued(by)["receipt"]).prediction.text_digest for by in (receipts(), receipts(NEW))
    }
    assert len(digests) == 2
    assert TEXT.encode() not in _raw(issued(receipts())["receipt"])


def test_tags_are_signed_as_spans() -> None:
    tokens = (
        TaggedToken("Good", 0, 4, {"upos": "ADJ", "xpos": "JJ"}, {"upos": 0.9, "xpos": 0.1}),
        TaggedToken("soup", 5, 9, {"upos": "NOUN", "xpos": "NN"}, {"upos": 0.8, "xpos": 0.1}),
    )
    prediction = opened(TaggingAnswer(tokens, 1)).prediction
    assert prediction.spans == spans_digest([Span(5, 9, "NOUN"), Span(0, 4, "ADJ")])
    assert (prediction.predicted, prediction.score) == (None, 0.8)
    assert opened(TaggingAnswer((), 0)).prediction.score == 0.0


def test_aspects_are_signed_as_spans_and_categories() -> None:
    judged = (
        JudgedAspect(Aspect("menu", 4, 8), "positive", 0.9, {}, None),
        JudgedAspect(Aspect("price"), "negative", 0.6, {}, None),
    )
    found = opened(AspectsAnswer(judged, 1), AspectItem(TEXT, (Aspect("price"),)))
    spans = [Span(4, 8, "positive"), Span(0, 0, "negative", category="price")]
    assert (found.prediction.spans, found.prediction.score) == (spans_digest(spans), 0.6)
    assert found.is_of(TEXT)


def test_pairs_are_signed_as_spans() -> None:
    pairs = (AspectPair("menu", 4, 8, "positive", 0.9),)
    prediction = opened(PairsAnswer(pairs, 0.9, 1)).prediction
    assert prediction.spans == spans_digest([Span(4, 8, "positive")])


def test_keys_are_rotated() -> None:
    receipt = issued(receipts(OLD))["receipt"]
    assert receipts(f"{NEW}, {OLD}").open(receipt).is_of(TEXT)
    with pytest.raises(BadReceiptError):
        receipts(NEW).open(receipt)
    receipt = issued(receipts(f"{NEW},{OLD}"))["receipt"]
    assert receipts(NEW).open(receipt).is_of(TEXT)


def test_a_receipt_has_an_end() -> None:
    receipt = issued(receipts(receipt_days=3))["receipt"]
    receipts(receipt_days=3, now=1e9 + 3 * DAY - 1).open(receipt)
    with pytest.raises(ExpiredReceiptError):
        receipts(receipt_days=3, now=1e9 + 3 * DAY).open(receipt)


def test_nothing_is_signed_that_was_not_asked() -> None:
    assert receipts().sealing(as_it_is, Said(), asked=False) is as_it_is


# -- keys ----------------------------------------------------------------------------------------


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VALENCE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_a_key_file_is_made_once_for_its_owner(home: Path) -> None:
    first = load_keys(Settings())
    path = home / "receipt.keys"
    assert path == default_key_file()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_keys(Settings()) == first
    assert [file.name for file in home.iterdir()] == ["receipt.keys"]


def test_all_who_make_the_file_at_once_read_the_same(home: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: load_keys(Settings()), range(64)))
    assert len(found) == 1
    assert [file.name for file in home.iterdir()] == ["receipt.keys"]


def test_every_line_of_the_file_verifies_and_the_first_signs(home: Path) -> None:
    home.mkdir()
    default_key_file().write_text(f"{NEW.replace(' ', '-')}\n{OLD.replace(' ', '-')}\n")
    with capture_logs() as logs:
        keys = load_keys(Settings())
    assert len(keys) == 2
    assert [entry["event"] for entry in logs] == ["receipt_keys_open_to_others"]
    default_key_file().chmod(0o600)
    with capture_logs() as logs:
        assert load_keys(Settings()) == keys
    assert logs == []


@pytest.mark.parametrize("spoiled", ["", "\n\n", "short\n", None])
def test_without_a_file_the_keys_last_as_long_as_the_process(
    home: Path, spoiled: str | None
) -> None:
    if spoiled is None:
        home.write_text("no folder")
    else:
        home.mkdir()
        default_key_file().write_text(spoiled)
        default_key_file().chmod(0o600)
    with capture_logs() as logs:
        first = load_keys(Settings())
    assert [entry["event"] for entry in logs] == ["receipt_keys_for_this_process_only"]
    assert load_keys(Settings()) != first


def test_keys_show_nowhere() -> None:
    settings = Settings.model_validate({"receipt_keys": OLD})
    assert OLD not in repr(settings)
    assert OLD not in str(settings.model_dump())
    (key,) = load_keys(settings)
    assert repr(key) == "Key()"
    with pytest.raises(ValidationError) as raised:
        Settings.model_validate({"receipt_keys": "too short", "feedback": "mysql://a:word@b/c"})
    assert "too short" not in str(raised.value)
    assert "word" not in str(raised.value)


def test_signing_and_hiding_share_no_key() -> None:
    (key,) = load_keys(Settings.model_validate({"receipt_keys": OLD}))
    assert key.signing != key.hiding
    assert replace(key, hiding=key.signing).hide(TEXT) != key.hide(TEXT)
