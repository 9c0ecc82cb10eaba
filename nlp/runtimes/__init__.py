"""Arrays in, arrays out. `onnx` is the default on a CPU, `torch` on CUDA; both give the same."""
