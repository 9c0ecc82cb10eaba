"""What a model is: text -> arrays -> network -> answer.

Knows no store, no HTTP and no training. Three stages carry the same names everywhere:
`encode` (one item, CPU), `forward` (one batch, device), `decode` (one item, CPU).

Choices made here, where the design is silent:

* Words come from one regular expression run by the Rust `tokenizers` library: on the UD
  English-EWT dev sentences its words agree with the gold ones at F1 98.8 %, spaCy's blank English
  pipeline at 97.3 % (`python -m benchmarks.words`). spaCy stays a choice of the recipe.
* Networks get padded integer arrays and give logits; softmax, temperature, Viterbi and marginals
  are numpy, so torch and ONNX Runtime share them.
* Offsets are code points inside; `nlp.offsets` turns them into UTF-8 or UTF-16 units at the door.
"""
