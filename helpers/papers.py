"""Every published figure that the lessons cite, with the place where it stands."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Paper:
    """A publication. link: where anyone can read it."""

    title: str
    authors: str
    venue: str
    link: str


@dataclass(frozen=True)
class Finding:
    """A figure of a paper, in our words. where: table, figure or section; values: its numbers by name."""

    paper: Paper
    where: str
    says: str
    values: dict[str, float] = field(default_factory=dict)

    @property
    def source(self) -> str:
        """Citation in one line."""
        return f"{self.paper.authors}, {self.paper.venue}, {self.where}"


VIT = Paper(
    "An Image is Worth 16x16 Words: Transformers for Image Recognition at Scale",
    "Dosovitskiy et al.",
    "ICLR 2021",
    "https://arxiv.org/abs/2010.11929",
)
SCALING_VIT = Paper("Scaling Vision Transformers", "Zhai et al.", "CVPR 2022", "https://arxiv.org/abs/2106.04560")
REORDER = Paper(
    "REOrdering Patches Improves Vision Models", "Kutscher et al.", "2025", "https://arxiv.org/abs/2505.23751"
)
TORCHVISION = Paper(
    "Model cards of torchvision", "PyTorch", "2026", "https://docs.pytorch.org/vision/stable/models.html"
)
EINOPS = Paper(
    "Einops: Clear and Reliable Tensor Manipulations with Einstein-like Notation",
    "Rogozhnikov",
    "ICLR 2022",
    "https://openreview.net/forum?id=oapKSVM2bcj",
)

VIT_PATCHES = Finding(
    VIT,
    "section 3.1",
    "Patches of 16x16 pixels: at 224x224 that is a grid of 14x14 = 196 tokens.",
    {"patch_pixels": 16, "tokens": 196},
)
VIT_NO_POSITIONS = Finding(
    VIT,
    "appendix D.4, table 8",
    "ViT-B/16, 5-shot linear ImageNet: 61.4% without position embeddings, 64.2% with 1-D ones. Having one matters, "
    "which kind hardly does.",
    {"none": 61.382, "1-D": 64.206, "2-D": 64.001, "relative": 64.032},
)
SCALING_VIT_GRID = Finding(
    SCALING_VIT,
    "section on the class token",
    "Patches of 14 pixels at 224x224 give a 16x16 grid: 256 patch tokens, 257 with a class token.",
    {"patch_pixels": 14, "tokens": 256},
)
VIT_B16_PARAMETERS = Finding(TORCHVISION, "ViT-B/16", "ViT-B/16 has 86,567,656 parameters.", {"parameters": 86_567_656})
REORDER_FULL = Finding(
    REORDER,
    "text",
    "With full self-attention the order of the patches does not matter.",
)
REORDER_LONG = Finding(
    REORDER,
    "abstract and text",
    "Long-sequence models do mind: a learned order gains up to 3.01 points on ImageNet-1K and 13.35 on Functional Map "
    "of the World; Transformer-XL gains nearly 2 points with column order and loses over 6 with a spiral.",
    {"imagenet_gain": 3.01, "fmow_gain": 13.35},
)
VIT_DATA = Finding(
    VIT,
    "section 1",
    "Trained on a mid-sized data set such as ImageNet without strong regularisation, a ViT stays a few points below a "
    "ResNet of its size: it knows nothing of pictures beforehand. With 14 to 300 million pictures it overtakes.",
)
