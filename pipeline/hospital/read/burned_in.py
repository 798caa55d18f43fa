"""A look at the pixels for text burnt into them: what no header can promise away.

Text is drawn at the brightest value an image has, in thin strokes of exactly one value, and often on every slice at
the same place. Tissue has one brightest voxel or a clipped blob, not dozens of thin pieces.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

FEWEST_LETTERS = 4
LETTER_PIXELS = (5, 600)
STROKE_RATIO = 0.75
"""Share of a letter's pixels that are gone after taking one pixel off all round."""
MOST_LETTERS = 5000


def looks_written_on(array: NDArray) -> bool:
    """Say whether any slice seems to carry text.

    Parameters
    ----------
    array
        Shape ``(I, J, K)``, slices along the last axis.
    """
    return any(_letters(array[..., index]) >= FEWEST_LETTERS for index in range(array.shape[2]))


def _letters(image: NDArray) -> int:
    """Count the pieces of a slice that have one extreme value and strokes as thin as letters, in rows of several."""
    bright = image == image.max()
    if not FEWEST_LETTERS * LETTER_PIXELS[0] <= int(bright.sum()) <= image.size // 4:
        return 0
    labels, count = ndimage.label(bright, structure=np.ones((3, 3)))
    if count > MOST_LETTERS:
        return 0
    thin = bright & ~ndimage.binary_erosion(bright)
    numbers = np.arange(1, count + 1)
    sizes = ndimage.sum_labels(bright, labels, numbers)
    strokes = ndimage.sum_labels(thin, labels, numbers)
    is_letter = (sizes >= LETTER_PIXELS[0]) & (sizes <= LETTER_PIXELS[1]) & (strokes >= STROKE_RATIO * sizes)
    boxes = [box for box, letter in zip(ndimage.find_objects(labels), is_letter, strict=True) if letter and box]
    return max(_in_one_line(boxes, axis) for axis in (0, 1)) if boxes else 0


def _in_one_line(boxes: list[tuple[slice, slice]], axis: int) -> int:
    """Return the largest number of pieces whose middles lie within one letter's height of each other."""
    middles = np.sort([(box[axis].start + box[axis].stop) / 2 for box in boxes])
    heights = [box[axis].stop - box[axis].start for box in boxes]
    reach = max(2.0, float(np.median(heights)) / 2)
    return int(max(np.searchsorted(middles, middles + 2 * reach, side="right") - np.arange(len(middles))))
