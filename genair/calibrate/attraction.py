"""How much associated items pull at each other, so that popular items do not own the graph."""

import numpy as np
import numpy.typing as npt
from scipy import sparse

from genair.data.association import Pairs


def attraction(pairs: Pairs, n_items: int, gamma: float) -> sparse.csr_array[np.float64]:
    """Return (1 - w_ij) / sqrt(D_i D_j), shape (items, items), symmetric; its eigenvalues lie in [-1, 1].

    Args:
        pairs: the associated pairs.
        n_items: items in the catalogue.
        gamma: w_ij = exp(-gamma s_ij); D_i is the sum of 1 - w_ij over j.
    """
    pulls = pairs.to_csr(n_items)
    pulls.data = 1 - np.exp(-gamma * pulls.data)
    degrees: npt.NDArray[np.float64] = np.asarray(pulls.sum(axis=1))
    factor = sparse.diags_array(1 / np.sqrt(np.maximum(degrees, 1e-12)))
    return (factor @ pulls @ factor).tocsr()
