"""Patches as words: a codebook learned by k-means, and pictures written in its words (lesson 09)."""

from typing import NamedTuple

import torch
from torch import Tensor

from helpers.models.patches import patchify, unpatchify

WORDS = 256
AT_ONCE = 1_000  # pictures whose distances to all words fit into memory


class Codebook(NamedTuple):
    """The words of a picture language. words: (K, C*P*P), float; patch_size: side P of a patch in pixels."""

    words: Tensor
    patch_size: int

    def encode(self, images: Tensor) -> Tensor:
        """Pictures (B, C, H, W) as codes (B, N), long: for each patch, in raster order, the number of its word."""
        parts = [nearest_code(patchify(part, self.patch_size), self.words) for part in images.split(AT_ONCE)]
        return torch.cat(parts)  # (B, N)

    def decode(self, codes: Tensor, image_size: tuple[int, int]) -> Tensor:
        """Pictures (B, C, H, W) of codes (B, N) in raster order; image_size: (H, W) in pixels."""
        return unpatchify(self.words[codes], self.patch_size, image_size)  # (B, N, C*P*P) -> (B, C, H, W)


def learn_codebook(images: Tensor, words: int = WORDS, patch_size: int = 4, seed: int = 0) -> Codebook:
    """A codebook of patches by k-means: each word is the mean of the patches that are nearest to it.

    images:      (B, C, H, W), float; H and W are multiples of patch_size
    words:       how many, K
    patch_size:  side of a patch in pixels
    seed:        decides with which patches the search starts
    Returns a Codebook. Raises ValueError where there are fewer patches than words.
    iGPT (Chen et al., 2020) makes its 512 colours the same way.
    """
    from sklearn.cluster import MiniBatchKMeans  # a second to import, and most who import this module learn no codebook

    patches = patchify(images, patch_size).flatten(0, 1)  # (B, C, H, W) -> (B*N, C*P*P)
    if len(patches) < words:
        raise ValueError(f"{words} words need at least as many patches, but there are {len(patches)}.")
    # A third of the patches are empty, and "reassigning" rare words moves them all there: seven words for nothing.
    search = MiniBatchKMeans(
        words, batch_size=4096, n_init=1, max_no_improvement=20, random_state=seed, reassignment_ratio=0
    )
    centres = search.fit(patches.cpu().numpy()).cluster_centers_
    return Codebook(torch.as_tensor(centres, dtype=images.dtype, device=images.device), patch_size)


def nearest_code(patches: Tensor, codebook: Tensor) -> Tensor:
    """The number of the word that is nearest to each patch (Euclidean distance; the first of equals).

    patches: (..., P), codebook: (K, P), floating point
    Returns (...), long, from 0 to K-1.
    """
    # |a - b|^2 = |a|^2 - 2 a b + |b|^2, and |a|^2 is the same for all words
    distances = codebook.square().sum(-1) - 2 * patches @ codebook.T  # (..., P) @ (P, K) -> (..., K)
    return distances.argmin(dim=-1)
