"""What an evaluation found, in the lines that a terminal shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from training.evaluation import Evaluation


def _calibration(found: Evaluation, layer: str) -> str:
    """Nothing where there is none: of an extractor that found no term."""
    return f"ECE {found.reliability[layer].ece:.4f}, " if layer in found.reliability else ""


def headline(found: Evaluation) -> str:
    """Measures, then layers, then slices: a line each."""
    lines = [
        f"{layer}: accuracy {scores.accuracy:.4f} [{low:.4f}, {high:.4f}], "
        f"macro F1 {scores.macro_f1:.4f}, {_calibration(found, layer)}{scores.items:,} items"
        for layer, scores in found.layers.items()
        for low, high in [(scores.accuracy_interval.low, scores.accuracy_interval.high)]
    ]
    slices = [
        f"{part.name}: accuracy {part.accuracy:.4f}, {part.items:,} items"
        for part in found.slices
        if part.accuracy is not None
    ]
    measures = [
        f"{name}: {one.value:.4f}, {one.items:,} items"
        if one.interval is None
        else f"{name}: {one.value:.4f} [{one.interval.low:.4f}, {one.interval.high:.4f}], "
        f"{one.items:,} items"
        for name, one in found.measures.items()
    ]
    return "\n".join([*measures, *lines, *slices])
