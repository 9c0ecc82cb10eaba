"""How a version is made: recipe -> data -> loop -> scores -> gate -> publish.

Choices made here, where the design is silent:

* A recipe is TOML read into frozen dataclasses by `training.build`, some hundred lines that check
  types, ranges and names and say the dotted path of what is wrong; no configuration framework.
* Data sets are a literal table (`training.catalogue`) of public sources, licences and sha256
  digests. Nothing is downloaded: `VALENCE_DATA` names the folder, a changed file is refused.
* The loop gets `Splits`, which has no test split; `training.splits.read_test` opens it for the
  scorer, after selection is over.
* Readers give text as its source wrote it, with the source's escapes undone (`-lrb-`, `\\u2019`,
  `<br />`); a recipe may ask for a share of the training texts in the form that people type.
* The loop is Hugging Face's Trainer. A run that is killed and resumed ends in the same bits:
  checkpoints at the ends of epochs hold weights, optimizer, schedule and random states as
  safetensors and JSON, the order of examples is a pure function of seed and epoch, and how much
  patience is left is read off the checkpoint.
* Under torchrun all processes train and the leader alone calibrates, exports, scores and publishes.
"""
