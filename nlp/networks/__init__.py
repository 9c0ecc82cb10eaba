"""One file an architecture, torch only. `table` is the literal table of architectures.

Every network is an `nn.Module` that takes the named integer arrays of `nlp.features` as keyword
arguments (its `inputs`) and gives a dict of logits by layer name. An answer must not depend on its
neighbours in a batch: every pool is masked, every LSTM reads each row within its own length.
"""
