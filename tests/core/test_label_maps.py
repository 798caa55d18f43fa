"""Masks as one map of labels: what does not count hides nothing that does."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.core.label_maps import LABELS, label_map
from pipeline.core.transform import identity
from pipeline.core.vocabulary import Compartment
from pipeline.core.volume import Volume

GRID = Volume(np.zeros((6, 6, 6), np.float32), np.eye(4))


def share(value: float, first: int, last: int) -> Volume:
    array = np.zeros(GRID.shape, np.float32)
    array[first:last] = value
    return GRID.with_array(array)


@pytest.mark.parametrize("order", [1, -1])
def test_a_mask_that_does_not_count_hides_no_tumour(order: int) -> None:
    masks = {Compartment.TUMOUR: share(0.8, 1, 4), Compartment.OEDEMA: share(1.0, 2, 6)}
    masks = dict([*masks.items()][::order])
    tumour, oedema = LABELS[Compartment.TUMOUR], LABELS[Compartment.OEDEMA]
    usual = label_map(masks, GRID, identity("a", "b")).array[:, 0, 0]
    assert usual.tolist() == [0, tumour, oedema, oedema, oedema, oedema], "the likelier one wins where both count"
    behind = label_map(masks, GRID, identity("a", "b"), {Compartment.OEDEMA}).array[:, 0, 0]
    assert behind.tolist() == [0, tumour, tumour, tumour, oedema, oedema]
