"""How far the pattern of a face in infrared follows its pattern in colour: freckles fade there, blood all but vanishes.

Patches of melanin and of blood darken the three colours each in its own proportion, so the fine pattern of colour can
be divided into both and a rest that all bands share: pores, relief, shade. Skin keeps a quarter of melanin's contrast
in infrared and next to nothing of blood's; paint keeps what its dyes keep. That is a product of bands, averaged over a
face. Convolutions with pointwise activations do not come by it within any budget here: it is computed for them.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn

MELANIN = (0.75, 1.0, 1.8)
BLOOD = (0.10, 1.0, 0.6)
"""Absorption in red, green and blue against green's: melanin falls with wavelength, haemoglobin peaks in green."""

SCALES = ((0.0, 1.2), (0.7, 1.7), (1.2, 3.0))
"""Patterns finer than the second and coarser than the first Gaussian blur, deviations in pixels of the input."""

PARTS = 4  # melanin, blood, what colours share, infrared
PRODUCTS = tuple((i, j) for i in range(PARTS) for j in range(i, PARTS))
PAIRS = tuple((i, j) for i, j in PRODUCTS if i < j)
GRID = 16  # cells a side, of which regions are made
ROWS = (0.0, 0.43, 0.71, 1.0)  # brow, cheeks and nose, mouth and chin, as shares of the input's height
CENTRE, RADII = (0.52, 0.50), (0.39, 0.32)  # y, x of the ellipse that holds a face without hair, ears and neck
REGIONS = len(ROWS)  # the whole face, and what lies between each two
INNER_PX = 5  # a square of this side must be face
RIDGE = 0.01
SMALLEST = 1e-7  # variance of a logarithm
LARGEST = 4.0  # slope


def unmixing() -> Tensor:
    """float32 [3, 3] from patterns of red, green and blue to those of melanin, blood and what the colours share."""
    mixed = np.stack([MELANIN, BLOOD, np.ones(3)], 1)
    return torch.from_numpy(np.linalg.inv(mixed).astype(np.float32))


def regions() -> Tensor:
    """float32 [256, 4]: weight of each cell of the grid in the whole face and in its three rows."""
    place = (np.arange(GRID) + 0.5) / GRID
    y, x = np.meshgrid(place, place, indexing="ij")
    inside = ((y - CENTRE[0]) / RADII[0]) ** 2 + ((x - CENTRE[1]) / RADII[1]) ** 2 <= 1
    rows = [inside & (y >= top) & (y < bottom) for top, bottom in pairwise(ROWS)]
    return torch.from_numpy(np.stack([inside, *rows], -1).reshape(GRID * GRID, REGIONS).astype(np.float32))


def _gaussian(sigma: float) -> Tensor:
    """Weights of a column, one for each of the four bands and the face: float32 [5, 1, K, 1]."""
    reach = int(3 * sigma + 0.5)
    x = torch.arange(-reach, reach + 1, dtype=torch.float32)
    kernel = torch.exp(-0.5 * (x / sigma) ** 2)
    return (kernel / kernel.sum()).view(1, 1, -1, 1).repeat(PARTS + 1, 1, 1, 1)


class Patterns(nn.Module):  # type: ignore[misc]  # torch is not typed here
    """Statistics of the fine patterns of colour and infrared, and a layer that reads them.

    Of each scale and region: the three slopes of infrared on melanin, blood and the rest (least squares), the six
    correlations of all four, their four spreads as logarithms. Edges, brows and glints are outliers: a pixel's weight
    falls with the square of its own pattern over the face's mean.
    """

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.features = len(SCALES) * REGIONS * (3 + len(PAIRS) + PARTS)
        self.register_buffer("unmixing", unmixing().view(3, 3, 1, 1), persistent=False)
        self.register_buffer("regions", regions(), persistent=False)
        for name, places in zip(("first", "second"), torch.tensor(PRODUCTS).T, strict=True):
            self.register_buffer(name, places.contiguous(), persistent=False)
        sigmas = sorted({sigma for scale in SCALES for sigma in scale if sigma})
        self._names = {sigma: f"gaussian_{n}" for n, sigma in enumerate(sigmas)}
        for sigma, name in self._names.items():
            self.register_buffer(name, _gaussian(sigma), persistent=False)
        self.read = nn.Sequential(
            nn.BatchNorm1d(self.features), nn.Linear(self.features, hidden), nn.ReLU(inplace=True)
        )

    def forward(self, logs: Tensor, face: Tensor) -> Tensor:
        """Logarithms of red, green, blue and infrared [B, 4, H, W], `face` [B, 1, H, W] of 0 and 1, to [B, hidden]."""
        # Differences of near equals: half precision would leave nothing of them.
        with torch.autocast(logs.device.type, enabled=False):
            return self.read(self.statistics(logs.float(), face.float()))

    def statistics(self, logs: Tensor, face: Tensor) -> Tensor:
        """float32 [B, features], scale by scale: spreads, correlations, slopes, each region by region."""
        inner = (nn.functional.avg_pool2d(face, INNER_PX, 1, INNER_PX // 2) > 0.98).to(logs.dtype)
        shown = torch.cat([logs * face, face], 1)
        smooth = {0.0: logs, **{sigma: self._blurred(shown, name) for sigma, name in self._names.items()}}
        pattern = torch.stack([smooth[fine] - smooth[coarse] for fine, coarse in SCALES], 1)
        return _described(self._moments(pattern, inner[:, None])).reshape(-1, self.features)

    def _blurred(self, shown: Tensor, name: str) -> Tensor:
        """Gaussian mean over face pixels only."""
        column = getattr(self, name)
        count, reach = PARTS + 1, column.shape[2] // 2
        shown = nn.functional.conv2d(shown, column, padding=(reach, 0), groups=count)
        shown = nn.functional.conv2d(shown, column.transpose(2, 3), padding=(0, reach), groups=count)
        return shown[:, :PARTS] / shown[:, PARTS:].clamp(min=1e-3)

    def _moments(self, pattern: Tensor, inner: Tensor) -> Tensor:
        """Weighted second moments [B · scales, 10, REGIONS] of patterns [B, scales, 4, H, W] of colours and infrared,
        unmixed, over the pixels `inner` [B, 1, 1, H, W].
        """
        inner = inner.expand(-1, len(SCALES), -1, -1, -1).flatten(0, 1)
        pattern = pattern.flatten(0, 1)
        parts = torch.cat([nn.functional.conv2d(pattern[:, :3], self.unmixing), pattern[:, 3:]], 1)
        energy = (parts[:, 2:] ** 2).sum(1, keepdim=True)
        whole = self._summed(torch.cat([(energy + SMALLEST).sqrt() * inner, inner], 1))[:, :, :1]
        usual = (whole[:, :1] / whole[:, 1:].clamp(min=SMALLEST))[..., None].clamp(min=1e-4)
        weight = inner / (1 + energy / usual**2) ** 2
        products = parts[:, self.first] * parts[:, self.second] * weight
        sums = self._summed(torch.cat([products, weight], 1))
        return sums[:, :-1] / sums[:, -1:].clamp(min=1e-2)

    def _summed(self, planes: Tensor) -> Tensor:
        """Planes [B, C, H, W] to their sums over the regions [B, C, REGIONS], in cells of the grid."""
        return nn.functional.adaptive_avg_pool2d(planes, GRID).flatten(2) @ self.regions


def _described(moments: Tensor) -> Tensor:
    """Second moments [B, 10, R], upper triangle row by row, to [B, 13, R]: log spreads, correlations, slopes."""
    places = {pair: n for n, pair in enumerate(PRODUCTS)}
    spread = {i: (moments[:, places[i, i]] + SMALLEST).sqrt() for i in range(PARTS)}
    r = {(i, j): moments[:, places[i, j]] / (spread[i] * spread[j]) for i, j in PAIRS}
    slopes = [share * spread[3] / spread[i] for i, share in enumerate(_shares(r))]
    logs = [spread[i].log() for i in range(PARTS)]
    return torch.stack([*logs, *r.values(), *(slope.clamp(-LARGEST, LARGEST) for slope in slopes)], 1)


def _shares(r: dict[tuple[int, int], Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """Standardised coefficients of the regression of part 3 on parts 0, 1, 2, by Cramer's rule on the correlations."""
    own = 1 + RIDGE
    a, b, c = r[0, 1], r[0, 2], r[1, 2]
    x, y, z = r[0, 3], r[1, 3], r[2, 3]
    p, q, s = own * own - c * c, own * own - b * b, own * own - a * a
    u, v, w = b * c - own * a, a * c - own * b, a * b - own * c
    determinant = own * p + a * u + b * v
    return (
        (p * x + u * y + v * z) / determinant,
        (u * x + q * y + w * z) / determinant,
        (v * x + w * y + s * z) / determinant,
    )
