"""Files and readers of the data sets of aspects.

The SemEval sets have no dev split, so one is cut from their training files, by a rule that needs
no list and never changes: a text is dev where the first four bytes of the SHA-256 of its key
(`training.audit.text_key`), read as a big-endian number, are divisible by ten. A text that stands
in several years, or twice in one, falls to the same side everywhere.
"""

import hashlib
from typing import Final

from nlp.tasks.base import Example
from training.audit import example_key
from training.parts import Part
from training.readers import Reader
from training.readers.plain import WordBlocks
from training.readers.semeval import SemEval
from training.readers.three_lines import ThreeLines
from training.readers.tuples import Quadruples, SpanQuadruples, Triplets

_DEV_IN: Final = 10
_SPLITS: Final = ("train", "dev", "test")

Splits = dict[str, tuple[Part, ...]]


def in_dev(example: Example) -> bool:
    """Whether a text falls into the tenth that is cut off for dev."""
    digest = hashlib.sha256(example_key(example).encode()).digest()
    return int.from_bytes(digest[:4], "big") % _DEV_IN == 0


def in_train(example: Example) -> bool:
    return not in_dev(example)


def _cut(train: str, test: str, reader: Reader) -> Splits:
    """train and dev, which make up all_train, and test."""
    return {
        "train": (Part(train, reader, keeps=in_train),),
        "dev": (Part(train, reader, keeps=in_dev),),
        "all_train": (Part(train, reader),),
        "test": (Part(test, reader),),
    }


def semeval(train: str, test: str) -> Splits:
    """SemEval's XML."""
    return _cut(train, test, SemEval())


def segments(domain: str) -> Splits:
    """SemEval-2014 in ABSA-PyTorch's three-line form."""
    stem = f"semeval14_absa/seg/{domain}"
    return _cut(f"{stem}_Train.xml.seg", f"{stem}_Test_Gold.xml.seg", ThreeLines())


def mams(part: str) -> Splits:
    """MAMS's own three files; part: ATSA or ACSA."""
    files = {"train": "train", "dev": "val", "test": "test"}
    return {s: (Part(f"mams/{part}/{f}.xml", SemEval()),) for s, f in files.items()}


def triplets(source: str) -> Splits:
    """ASTE-Data-V2; source: 14lap, 14res, 15res or 16res."""
    stem = f"aste_v2/{source}"
    return {s: (Part(f"{stem}/{s}_triplets.txt", Triplets()),) for s in _SPLITS}


def quadruples(source: str) -> Splits:
    """ASQP; source: rest15 or rest16."""
    return {s: (Part(f"asqp_quad/{source}/{s}.txt", Quadruples()),) for s in _SPLITS}


def span_quadruples(stem: str) -> Splits:
    """ACOS; stem: the path up to the split's name."""
    return {s: (Part(f"acos/{stem}_{s}.tsv", SpanQuadruples()),) for s in _SPLITS}


def penn_treebank() -> Splits:
    """The lines of Mikolov's preprocessing, in blocks."""
    files = {"train": "train", "dev": "valid", "test": "test"}
    return {s: (Part(f"ptb_lm/ptb.{f}.txt", WordBlocks()),) for s, f in files.items()}
