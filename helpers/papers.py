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
EFFECTIVE_FIELD = Paper(
    "Understanding the Effective Receptive Field in Deep Convolutional Neural Networks",
    "Luo et al.",
    "NeurIPS 2016",
    "https://arxiv.org/abs/1701.04128",
)
ERF_GAUSSIAN = Finding(
    EFFECTIVE_FIELD,
    "abstract",
    "The effective receptive field is shaped like a Gaussian and takes up only a fraction of the theoretical one.",
)
ERF_GROWTH = Finding(
    EFFECTIVE_FIELD,
    "text",
    "With n layers the effective field grows like sqrt(n), so its share of the theoretical one shrinks like 1/sqrt(n).",
)
VIT_ATTENTION_DISTANCE = Finding(
    VIT,
    "section 4.5, figure 7 right, and appendix D.7",
    "In the lowest blocks some heads of a large ViT attend to most of the image and others stay close to the query; "
    "with depth the distances grow for all heads.",
)

MAE = Paper(
    "Masked Autoencoders Are Scalable Vision Learners", "He et al.", "CVPR 2022", "https://arxiv.org/abs/2111.06377"
)
MAE_GAIN = Finding(
    MAE,
    "figure 5",
    "ViT-L/16 on ImageNet-1K reaches 82.5% from scratch and 84.9% when it is fine-tuned from MAE.",
    {"scratch": 82.5, "mae": 84.9},
)
MAE_MASK_RATIO = Finding(
    MAE,
    "figure 5",
    "A mask ratio of 75% is good for both: over the ratios linear probing ranges from 54.6% to 73.5%, while "
    "fine-tuning is flat from 40 to 80%. BERT masks 15%.",
    {"lowest_probe": 54.6, "highest_probe": 73.5, "ratio": 75, "bert": 15},
)
MAE_MASK_TOKENS = Finding(
    MAE,
    "table 1c",
    "With mask tokens in the encoder: 59.6% by linear probe and 84.2% fine-tuned, at 3.3 times the FLOPs; without: "
    "73.5% and 84.9%.",
    {"with_probe": 59.6, "with_tuned": 84.2, "without_probe": 73.5, "without_tuned": 84.9, "flops": 3.3},
)
MAE_WALL_CLOCK = Finding(
    MAE,
    "table 2",
    "800 epochs of pre-training a ViT-L on 128 TPU-v3 cores: 42.4 hours with mask tokens in the encoder, 15.4 hours "
    "without (2.8 times faster), 11.6 with a decoder of one block (3.7 times).",
    {"with": 42.4, "without": 15.4, "one_block": 11.6, "faster": 2.8},
)
MAE_DECODER_DEPTH = Finding(
    MAE,
    "table 1a",
    "Linear probing gains with the decoder's depth: 65.5% with 1 block, 73.5% with 8; fine-tuning hardly does: 84.8% "
    "and 84.9%.",
    {"probe_1": 65.5, "probe_8": 73.5, "tuned_1": 84.8, "tuned_8": 84.9},
)
VIT_GFLOPS = Finding(
    TORCHVISION,
    "ViT-B/16, ViT-B/32, ViT-L/16",
    "17.56, 4.41 and 61.55 GFLOPs for one picture of 224x224, a multiply-add counted once.",
    {"ViT-B/16": 17.56, "ViT-B/32": 4.41, "ViT-L/16": 61.55},
)
VIT_DATA = Finding(
    VIT,
    "section 1",
    "Trained on a mid-sized data set such as ImageNet without strong regularisation, a ViT stays a few points below a "
    "ResNet of its size: it knows nothing of pictures beforehand. With 14 to 300 million pictures it overtakes.",
)
VIT_RESOLUTION = Finding(
    VIT,
    "section 3.2",
    "At a higher resolution there are more patches of the same size: the learned table is resized in two dimensions, "
    "by where each patch lies in the picture.",
)
VIT_SIMILARITY = Finding(
    VIT,
    "section 4.5, figure 7 center",
    "In the table that ViT-L/32 learned, close patches have similar rows, and patches of one row or column too: the "
    "model found the grid by itself.",
)
ROFORMER = Paper(
    "RoFormer: Enhanced Transformer with Rotary Position Embedding",
    "Su et al.",
    "2021",
    "https://arxiv.org/abs/2104.09864",
)
ROPE_RELATIVE = Finding(
    ROFORMER,
    "abstract",
    "A rotation by the absolute place brings the relative place into attention.",
)

PLAIN_VIT = Paper(
    "Better plain ViT baselines for ImageNet-1k", "Beyer et al.", "2022", "https://arxiv.org/abs/2205.01580"
)
VIT_POOLING = Finding(
    VIT,
    "appendix D.3, figure 9",
    "Class token and GAP work similarly well, at different learning rates: 8e-4 for the class token, 3e-4 for GAP. A "
    "first bad result with GAP was due to the learning rate, neither to the missing token nor to the pooling.",
    {"class_token_rate": 8e-4, "gap_rate": 3e-4},
)
POOLING_SCALING = Finding(
    SCALING_VIT,
    "section on the class token, figure 5 right",
    "Class token, GAP and MAP perform similarly; GAP and MAP save memory, since 257 tokens pad to a multiple of 128.",
    {"tokens": 257, "multiple": 128},
)
PLAIN_VIT_GAP = Finding(
    PLAIN_VIT,
    "text, and the configuration vit_s16_i1k of big_vision",
    "ViT-S/16 with GAP and 2-D sin-cos positions reaches 76.5% on ImageNet in 90 epochs.",
    {"accuracy": 76.5, "epochs": 90},
)

EARLY_CONVOLUTIONS = Paper(
    "Early Convolutions Help Transformers See Better", "Xiao et al.", "NeurIPS 2021", "https://arxiv.org/abs/2106.14881"
)
CONV_STEM = Finding(
    EARLY_CONVOLUTIONS,
    "table 3 (4GF)",
    "Stem C: 3x3 convolutions of stride 2 with 48, 96, 192 and 384 channels, then a 1x1; one block is dropped for it.",
    {"kernel": 3, "stride": 2, "first": 48, "second": 96, "third": 192, "fourth": 384, "blocks_dropped": 1},
)
CONV_STEM_EPOCHS = Finding(
    EARLY_CONVOLUTIONS,
    "table 2",
    "ImageNet error at 100, 200 and 400 epochs: 4GF 23.3, 20.8, 19.6% with patchify and 20.9, 19.2, 18.6% with a conv "
    "stem; 1GF 33.2, 29.7, 27.7% and 28.6, 26.1, 24.7%.",
    {"4GF P 100": 23.3, "4GF P 200": 20.8, "4GF P 400": 19.6, "4GF C 100": 20.9, "4GF C 200": 19.2, "4GF C 400": 18.6}
    | {
        "1GF P 100": 33.2,
        "1GF P 200": 29.7,
        "1GF P 400": 27.7,
        "1GF C 100": 28.6,
        "1GF C 200": 26.1,
        "1GF C 400": 24.7,
    },
)
CONV_STEM_SGD = Finding(
    EARLY_CONVOLUTIONS,
    "table 3",
    "4GF, 50 epochs on ImageNet, error with AdamW and SGD: patchify 27.7 and 33.0% (5.3 apart), conv stem 24.0 and "
    "24.7% (0.7 apart).",
    {"P AdamW": 27.7, "P SGD": 33.0, "P gap": 5.3, "C AdamW": 24.0, "C SGD": 24.7, "C gap": 0.7},
)
CONV_STEM_RANGE = Finding(
    EARLY_CONVOLUTIONS,
    "section 5",
    "Random learning rates and weight decays at 18GF with SGD: about 60% of the runs with a conv stem are within 4 "
    "points of the best, under 20% of those with patchify. On long schedules SGD costs patchify up to 10 points, the "
    "conv stem under 0.2.",
    {"C": 60, "P": 20, "points": 4, "P loss": 10, "C loss": 0.2},
)
VIT_FIRST_GAP = Finding(
    VIT,
    "appendix D.3",
    "A first attempt with GAP in place of the class token came out badly.",
)
IGPT = Paper(
    "Generative Pretraining from Pixels", "Chen et al.", "ICML 2020", "https://proceedings.mlr.press/v119/chen20s.html"
)
IGPT_PALETTE = Finding(
    IGPT,
    "section 3.2",
    "iGPT reads pictures of 32x32 to 64x64 pixels, one token a pixel: its vocabulary is 512 colours found by k-means.",
    {"colours": 512},
)
IGPT_PROBE = Finding(
    IGPT,
    "abstract and results",
    "A GPT trained on pixels learns good features: 96.3% on CIFAR-10 by linear probe, 99.0% fine-tuned; on ImageNet "
    "the linear probe reaches 60.3% (iGPT-L, 32x32), 65.2% (48x48) and 72.0% (iGPT-XL, 6.8 billion parameters).",
    {"cifar_probe": 96.3, "cifar_tuned": 99.0, "l_32": 60.3, "l_48": 65.2, "xl": 72.0, "billion": 6.8},
)
IGPT_ORDER = Finding(
    IGPT,
    "sections 2.1 and 2.2",
    "iGPT reads in raster order. Its BERT-trained twin has no bias about places at all; the autoregressive model has "
    "one, since the order fixes which conditionals there are.",
)
AIM = Paper(
    "Scalable Pre-training of Large Autoregressive Image Models",
    "El-Nouby et al.",
    "2024",
    "https://arxiv.org/abs/2401.08541",
)
AIM_ORDER = Finding(
    AIM,
    "table 3b",
    "An autoregressive ViT on ImageNet-1k, probed linearly: raster order 69.5%, checkerboard 68.2%, spiral 67.7%, "
    "random 65.8%.",
    {"raster": 69.5, "checkerboard": 68.2, "spiral": 67.7, "random": 65.8},
)
AIM_TARGET = Finding(
    AIM,
    "sections 4.1 and 5.2",
    "AIM, models of 0.6 to 7 billion parameters, predicts the pixels of the next patch by squared error, without "
    "codes; targets from k-means or a discrete VAE work too, with weaker features.",
    {"smallest_billion": 0.6, "largest_billion": 7},
)
