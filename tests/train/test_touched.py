"""The part of the item table that a step looks at."""

import pytest
import torch

from genair.config import ITEM_ENCODERS, TrainConfig
from genair.models.items import ItemEncoder
from genair.train.touched import touched

N = 50
INDICES = [
    torch.tensor([[7, N, 3, 0], [-1, 7, 0, 0]]),
    torch.tensor([N, 1]),
    torch.empty(0, dtype=torch.int64),
]


@pytest.fixture(params=ITEM_ENCODERS)
def items(request):
    vectors = torch.randn(N, 12, generator=torch.Generator().manual_seed(0))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return ItemEncoder(TrainConfig(items=request.param, dim=8), N, vectors)


def test_rows_are_those_of_the_whole_table(items):
    table, rows = touched(items, *INDICES)
    assert table.shape == (4 + 1, 8)
    whole = items.table()
    for index, row in zip(INDICES, rows, strict=True):
        assert row.shape == index.shape
        torch.testing.assert_close(table[row.clamp_min(0)], whole[index.clamp_min(0)])


def test_padding_stays_0_and_what_stands_for_no_item_stays_negative(items):
    _, (histories, *_) = touched(items, *INDICES)
    assert torch.equal(histories == 0, INDICES[0] == 0)
    assert torch.equal(histories < 0, INDICES[0] < 0)


def test_gradients_are_those_of_the_whole_table(items):
    def gradients(table, row):
        loss = table[row].pow(3).sum()
        return list(torch.autograd.grad(loss, list(items.parameters())))

    table, (_, rows, _) = touched(items, *INDICES)
    torch.testing.assert_close(gradients(table, rows), gradients(items.table(), INDICES[1]))


def test_without_an_item_there_is_the_padding_alone(items):
    table, (rows,) = touched(items, torch.zeros(2, dtype=torch.int64))
    assert table.tolist() == [[0.0] * 8]
    assert rows.tolist() == [0, 0]
