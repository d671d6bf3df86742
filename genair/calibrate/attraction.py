"""How much associated items pull at each other, so that neither popular nor rare items own the graph.

Divided by sqrt(D_i D_j) alone, the only pair of an item that one user had would count as much as all pairs of
a popular one. So the mean degree is added to every item's, some times over: the regularised graph of spectral
clustering (Qin & Rohe, NIPS 2013), which is for graphs of few pairs an item.
"""

import numpy as np
import numpy.typing as npt
from scipy import sparse

from genair.config import SpectralConfig
from genair.data.association import Pairs


def attraction(
    pairs: Pairs, n_items: int, gamma: float, tau: float = SpectralConfig.tau
) -> sparse.csr_array[np.float64]:
    """Return (1 - w_ij) / sqrt((D_i + t) (D_j + t)), (items, items), symmetric, its eigenvalues in [-1, 1].

    Args:
        pairs: the associated pairs.
        n_items: items in the catalogue.
        gamma: w_ij = exp(-gamma s_ij); D_i is the sum of 1 - w_ij over j.
        tau: t is tau times the mean of D_i over all items.
    """
    pulls = pairs.to_csr(n_items)
    pulls.data = -np.expm1(-gamma * pulls.data)
    degrees: npt.NDArray[np.float64] = np.asarray(pulls.sum(axis=1))
    degrees += tau * degrees.mean()
    factor = sparse.diags_array(1 / np.sqrt(np.where(degrees > 0, degrees, 1)))
    return (factor @ pulls @ factor).tocsr()
