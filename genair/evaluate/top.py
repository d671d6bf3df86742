"""The best items of each row of scores, exactly: higher scores first, of equal scores the earlier item."""

from torch import Tensor


def top_k(scores: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Return the k best of each row and where they are, each (users, min(k, items)), best first.

    `torch.topk` takes any of equal scores, so rows whose k-th score is level with the next are sorted whole.

    Args:
        scores: (users, items); what is not to be taken is -inf.
        k: how many, 1 or more.
    """
    values, columns = _in_order(*scores.topk(min(k + 1, scores.shape[1])))
    if values.shape[1] > k:
        level = values[:, k - 1] == values[:, k]
        if level.any():
            whole, order = scores[level].sort(dim=1, descending=True, stable=True)
            values[level], columns[level] = whole[:, : k + 1], order[:, : k + 1]
    return values[:, :k], columns[:, :k]


def _in_order(values: Tensor, columns: Tensor) -> tuple[Tensor, Tensor]:
    """Sort rows by falling value, equal values by rising column."""
    columns, by_column = columns.sort(dim=1)
    values, by_value = values.gather(1, by_column).sort(dim=1, descending=True, stable=True)
    return values, columns.gather(1, by_value)
