"""Opinion lexicons and stop words, from named sources or files."""

from pathlib import Path
from typing import Any, Final

from nlp.lecture_features import POLARITIES, Lexicon
from nlp.vocabulary import normal_form
from training.datasets import sha256_of, verified
from training.errors import DataError
from training.linear_recipe import HU_LIU, LexiconFiles

_URL: Final = "https://www.cs.uic.edu/~liub/FBS/sentiment-analysis.html"
_LICENCE: Final = "CC BY 4.0 (as nltk_data states)"
_FOLDER: Final = "opinion_lexicon_hu_liu"
_ENCODING: Final = "latin-1"
_SHA256: Final = {
    "positive": "9f643e85bcd7eb32e680f05df3d87fdd3277d6626122b3efec94f3ee3790b596",
    "negative": "3ea4023739aa62bef92b6d1b4c2310735b1e7826f8a615fba6c3a83a36c1ee26",
}

ENGLISH: Final = frozenset(
    word
    for line in (
        "a an the this that these those such same other another each every some any both all",
        "i me my mine myself we us our ours ourselves you your yours yourself yourselves",
        "he him his himself she her hers herself it its itself they them their theirs themselves",
        "who whom whose which what when where why how there here",
        "am is are was were be been being do does did done doing have has had having",
        "will would shall should can could may might must 's 'm 'd 're 've 'll",
        "and or if then than as so because while although though whether",
        "of at by for with about between into through during before after above below to from",
        "in on off over under out up down upon within along across",
        "again once also just only own",
    )
    for word in line.split(" ")
)
"""Function words. Negations (no, not, n't, never, nor), "but", "too" and "very" are not among them:
what an opinion says hangs on them.
"""


def load_lexicon(files: LexiconFiles) -> Lexicon:
    """Raises DataError for a file that is absent or holds no words, and ChecksumError."""
    positive, negative = (_words(files, polarity) for polarity in POLARITIES)
    return Lexicon(positive, negative, negation=files.negation)


def describe_lexicon(files: LexiconFiles) -> dict[str, Any]:
    """Where the words came from, for the manifest: name, sha256, licence and url by polarity."""
    return {polarity: _described(getattr(files, polarity), polarity) for polarity in POLARITIES}


def stop_words(name_or_file: str) -> frozenset[str]:
    """none, english, sklearn, or the words of a file. Raises DataError."""
    if name_or_file == "none":
        return frozenset()
    if name_or_file == "english":
        return ENGLISH
    if name_or_file == "sklearn":
        from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

        return frozenset(ENGLISH_STOP_WORDS)
    words = _listed(_existing(name_or_file), "utf-8")
    return frozenset(normal_form(word, lowercase=True) for word in words)


def _described(name_or_file: str, polarity: str) -> dict[str, str]:
    if name_or_file == HU_LIU:
        origin = {"licence": _LICENCE, "url": _URL}
        return {"name": f"Hu and Liu 2004, {polarity}", "sha256": _SHA256[polarity], **origin}
    path = _existing(name_or_file)
    return {"name": path.name, "sha256": sha256_of(path), "licence": "", "url": ""}


def _words(files: LexiconFiles, polarity: str) -> list[str]:
    name_or_file: str = getattr(files, polarity)
    if name_or_file == HU_LIU:
        file = f"{_FOLDER}/{polarity}-words.txt"
        path = verified(file, expected=_SHA256[polarity], url=_URL)
        return _listed(path, _ENCODING)
    return _listed(_existing(name_or_file), files.encoding)


def _existing(file: str) -> Path:
    """A path from the working directory, or else a shipped recipe's file. Raises DataError."""
    shipped = Path(__file__).with_name("recipes") / file
    path = next((path for path in (Path(file), shipped) if path.is_file()), None)
    if path is None:
        raise DataError(f"there is no word list {file!r}")
    return path


def _listed(path: Path, encoding: str) -> list[str]:
    """The distinct words of a list, one a line; lines that begin with ";" are remarks."""
    try:
        lines = path.read_text(encoding=encoding).splitlines()
    except (UnicodeDecodeError, LookupError) as error:
        raise DataError(f"{path.name} is not text in {encoding}") from error
    words = dict.fromkeys(line.strip() for line in lines if not line.startswith(";"))
    words.pop("", None)
    if not words:
        raise DataError(f"{path.name} holds no words")
    return list(words)
