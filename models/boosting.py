"""Algorithm 1, the selection of weighted patch positions, in NumPy alone.

A position is a weak classifier: p_n(x) = probability of an attack that the net gives to patch n of face x. With
y = +1 for an attack and G = 2p − 1, a round chooses one position, gives it a share α of the ensemble, and moves
the weights: of faces (d) towards what the ensemble gets wrong, of positions (ω, for the loss of the next epoch)
towards those that do badly.

`adaboost` (default): the unused position with the least weighted error ε; α = max(0, ½ ln((1 − ε)/ε)), ε kept
above 1/(2M). `literal` is the algorithm as printed: the least ω-weighted cross entropy wins, used or not, and is
taken for ε. There a winner loses weight and therefore wins again; it is kept for comparison.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from models.metrics import auc

F64 = NDArray[np.float64]
Mode = Literal["adaboost", "literal"]

_TINY = 1e-7


@dataclass(frozen=True, eq=False)
class Boosting:
    """State after some rounds: `faces` d_i [M] and `loss_weights` ω_n [N], both sum to 1; `alphas` [N], the
    share of each position in the ensemble so far; `chosen` positions in order."""

    faces: F64
    loss_weights: F64
    alphas: F64
    chosen: tuple[int, ...] = ()


def start(faces: int, positions: int) -> Boosting:
    return Boosting(np.full(faces, 1 / faces), np.full(positions, 1 / positions), np.zeros(positions))


def _cross_entropy(p: F64, attacks: NDArray[np.bool_]) -> F64:
    """Mean cross entropy of each position, [N]."""
    right = np.where(attacks[:, None], p, 1 - p)
    mean: F64 = -np.log(right.clip(min=_TINY)).mean(0)
    return mean


def boost(state: Boosting, p: F64, attacks: NDArray[np.bool_], mode: Mode = "adaboost") -> Boosting:
    """One round over scores `p` [M, N] and labels `attacks` bool [M]: steps 3 and 4 of Algorithm 1."""
    y = np.where(attacks, 1.0, -1.0)
    g = 2 * p - 1
    if mode == "literal":
        losses = state.loss_weights * _cross_entropy(p, attacks)
        best = int(np.argmin(losses))
        error = float(losses[best])
        alpha = 0.5 * np.log((1 - min(error, 1 - _TINY)) / max(error, _TINY))
    else:
        wrong = (p >= 0.5) != attacks[:, None]
        errors = state.faces @ wrong
        errors[list(state.chosen)] = np.inf
        best = int(np.argmin(errors))
        error = max(float(errors[best]), 0.5 / len(p))
        alpha = max(0.0, 0.5 * float(np.log((1 - min(error, 1 - _TINY)) / error)))
    faces = state.faces * np.exp(-y * alpha * g[:, best])
    loss_weights = state.loss_weights * np.exp(-y[:, None] * alpha * g).mean(0)
    alphas = state.alphas.copy()
    alphas[best] += alpha
    return Boosting(faces / faces.sum(), loss_weights / loss_weights.sum(), alphas, (*state.chosen, best))


def select(p: F64, attacks: NDArray[np.bool_], mode: Mode = "adaboost") -> F64:
    """Weights of the positions for scores `p` [M, N] of a finished net: float64 [N], sum 1, 0 = not run.

    Raises ValueError where no position does better than chance.
    """
    state = start(*p.shape)
    for _ in range(p.shape[1]):
        state = boost(state, p, attacks, mode)
    alphas = state.alphas.clip(min=0)
    if not alphas.sum() > 0:
        raise ValueError("no position tells attacks from live faces better than chance")
    weights: F64 = alphas / alphas.sum()
    return weights


def thinned(weights: F64, p: F64, attacks: NDArray[np.bool_]) -> F64:
    """`weights` [N] of an ensemble over scores `p` [M, N], of which only so many of the largest stay as tell attacks
    from live faces best (AUC): float64 [N], sum 1. Algorithm 1 counts errors at 0.5, and keeps whoever beats chance.
    """
    ranked = np.argsort(-weights, kind="stable")[: np.count_nonzero(weights)]
    first = np.cumsum(weights[ranked] * p[:, ranked], axis=1)  # scores of the first 1, 2, … of them
    kept = ranked[: 1 + int(np.argmax([auc(scores, attacks) for scores in first.T]))]  # of equals the shortest
    left = np.zeros_like(weights)
    left[kept] = weights[kept] / weights[kept].sum()
    return left
