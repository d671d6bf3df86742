"""Packed events and padded rectangles: the same events, the same order, little padding."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from genair.models import layout as layout_module
from genair.models.layout import Layout, packed_through, pieces

CPU = torch.device("cpu")
LENGTHS = st.lists(st.integers(1, 200), min_size=1, max_size=128).map(np.sort)


@given(lengths=LENGTHS)
def test_pieces_are_the_batch_in_its_order(lengths):
    found = pieces(lengths)
    assert np.concatenate([lengths[piece] for piece in found]).tolist() == lengths.tolist()
    assert all(len(lengths[piece]) for piece in found)


@given(lengths=LENGTHS)
def test_pieces_have_little_padding(lengths):
    """Less than half, but for so few events that another piece is not worth it."""
    for piece in pieces(lengths):
        own = lengths[piece]
        short = own[own <= own[-1] // 2]
        assert (own[-1] - short).sum() < 2 * layout_module._WORTH


def test_a_batch_with_one_long_window_is_cut_in_two():
    lengths = np.asarray([5] * 127 + [200])
    assert pieces(lengths) == [slice(0, 127), slice(127, 128)]


@pytest.mark.parametrize("lengths", [[3] * 128, [2, 3, 4, 5] * 8, [100] * 128, [60, 100, 119]])
def test_a_batch_of_like_lengths_stays_whole(lengths):
    assert pieces(np.sort(lengths)) == [slice(0, len(lengths))]


@given(lengths=LENGTHS)
def test_each_event_knows_its_place_and_how_many_are_behind_it(lengths):
    layout = Layout(lengths, CPU)
    assert layout.places.tolist() == [place for length in lengths.tolist() for place in range(length)]
    assert layout.behind.tolist() == [place for length in lengths.tolist() for place in range(length)[::-1]]


@given(lengths=LENGTHS)
def test_work_sees_every_event_where_it_belongs_and_gives_it_back_there(lengths):
    layout = Layout(lengths, CPU)
    users = torch.from_numpy(np.repeat(np.arange(len(lengths)), lengths))
    packed = torch.stack([users, layout.places], dim=1).float() + 1
    seen = []

    def work(padded, present):
        places = torch.arange(padded.shape[1]).expand(padded.shape[:2])
        assert torch.equal(padded[..., 1][present], places[present] + 1.0)
        assert (padded[~present] == 0).all()
        seen.extend((padded[:, 0, 0] - 1).tolist())
        return padded.sum(dim=2, keepdim=True)

    assert torch.equal(layout.apart(packed, work), packed.sum(dim=1, keepdim=True))
    assert seen == list(range(len(lengths)))


def test_gradients_come_back_to_the_events_they_are_of():
    layout = Layout(np.asarray([1, 2, 40]), CPU)
    packed = torch.randn(43, 3, generator=torch.Generator().manual_seed(0), requires_grad=True)
    layout.apart(packed, lambda padded, _: padded**2).sum().backward()
    torch.testing.assert_close(packed.grad, 2 * packed.detach())


def test_padded_events_go_through_in_any_order_and_padding_becomes_nothing():
    present = torch.tensor([[True, True, False], [True, False, False], [True, True, True]])
    events = torch.arange(9.0).view(3, 3, 1) + 1
    lengths = []

    def work(packed, layout):
        lengths.extend(layout.behind[layout.places == 0].tolist())
        return 10 * packed

    found = packed_through(work, events, present)
    assert torch.equal(found, 10 * events * present[..., None])
    assert lengths == [0, 1, 2]
