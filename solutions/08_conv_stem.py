# %% [markdown] slideshow={"slide_type": "slide"}
# # 08 · A few convolutions at the start
#
# A ViT cuts its picture into patches with one large step. Part (h) of the discussion sheet asks what one could do with
# a few convolutional layers instead, or besides: where would they go? After this lesson you can
#
# - name four places in a ViT for convolutions, and say what each one changes,
# - build a **convolutional stem**, count what it costs and drop the block that pays for it,
# - measure what it changes, if anything: the accuracy, the range of learning rates that work, and what plain SGD costs.
#
# {{contents}}
#
# Short of time? The parts marked ★ make up one section of at most 50 minutes; the others can wait.

# %% [markdown]
# Run this cell first (Shift+Enter). It shows what there is to do and how far you are.

# %% tags=["setup"]
import math
from functools import cache
from itertools import pairwise

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from helpers.check import Lesson
from helpers.data import fashion_mnist
from helpers.explorers import conv_stem as explorer
from helpers.figures import conv_stem as figures
from helpers.models.checkpoints.stems_fashion import framed, load_stems
from helpers.models.conv_places import ConvMLP, ConvPositions
from helpers.models.costs import block_flops
from helpers.models.orders import permutation_gap
from helpers.models.stems import patchify_flops
from helpers.models.vit import EncoderBlock, ViT
from helpers.sweeps import decades_that_work
from helpers.train import best_device, classification_loss, evaluate, fit

lesson = Lesson("08", globals())
lesson

# %% [markdown] tags=["ta-note"]
# **TA, opening.** Ask: you may add a few convolutions to a ViT. Where do they go? Collect places on the board before
# any picture is shown; students usually name the stem and the backbone. Hand out the worksheet after that: it names
# these two.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 1 · Four doors (5 min) ★
#
# Attention and MLP know nothing of neighbours: whatever a ViT knows about "beside" and "above" it has learned from
# data. A convolution knows it from the start. Here is the whole model, with four places where one can let it in.

# %%
figures.whole_model()

# %% [markdown]
# 1. **The stem.** Patchify is itself a convolution, with a kernel of P x P pixels and as large a stride (lesson 01).
#    Put several small ones in its place.
# 2. **Inside the blocks.** Put the tokens back on their grid and let each look at its eight neighbours, for instance
#    in the middle of the MLP.
# 3. **As positions.** Add to each token a convolution of its neighbourhood in place of a learned table.
# 4. **A backbone.** Run a whole CNN first and make tokens of its last feature map: the *hybrid* of the ViT paper.
#
# **A backbone turns 224 x 224 pixels into a map of 14 x 14 places with 1024 channels. The ViT behind it is to have 196
# tokens. How large are its patches, on a side, counted in places of the map?**

# %% tags=["answer"] exercise="hybrid_patch"
### BEGIN SOLUTION
hybrid_patch = 1
### STUB
# hybrid_patch = ...  # a number
### END SOLUTION

# %% tags=["check"] exercise="hybrid_patch"
lesson.check("hybrid_patch")

# %% [markdown] tags=["ta-note"]
# **TA, 5 minutes.** Show the picture and write beside each place that stands on the board, from the opening, the number
# of its door. Then `hybrid_patch`, with a pencil.
# - **They get wrong:** 16 for `hybrid_patch`: they count pixels where places of the feature map are asked for.
# - **Ask next:** Which door is open already in every ViT? (1: patchify is a convolution.) Why is it such an odd one?
#   (Kernel = stride = 16: no two tokens share a pixel, and one layer goes from pixels to meaning.)
# - **Run live:** `figures.whole_model()`: the four doors, one after the other.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 2 · Build the stem (22 min) ★
#
# The stem of Xiao et al. (2021) for patches of P pixels, P a power of two from 2 on:
#
# - log2(P) times: a **3x3 convolution with stride 2 and padding 1, no bias**, then **BatchNorm**, then **ReLU**;
# - at the end a **1x1 convolution** with bias, and nothing after it.
#
# Every stride of 2 halves both sides, so log2(P) of them leave H/P x W/P places: as many tokens as patchify gives.
# Channels **double** from convolution to convolution and reach `dim` with the last 3x3; the 1x1 goes from `dim` to
# `dim`. For P = 16 and dim = 384: 3 → 48 → 96 → 192 → 384, then 384 → 384. (`dim` is a multiple of P/2.)
#
# Why BatchNorm and not the LayerNorm of the blocks? This is a piece of CNN, and takes a CNN's usual norm: it evens out
# each channel over pictures and places, and after training it is a fixed scale and shift that the convolution in front
# can swallow. It has no use for a bias below it.
#
# **Exercise.** Write `ConvStem(in_channels, dim, patch_size)`, a module (B, C, H, W) -> (B, N, dim), the tokens
# {{sequence_words}} over the grid. Fixed names, so that weights load: `self.convs` and `self.norms`, each an
# `nn.ModuleList` with one entry a 3x3 convolution, and `self.proj`, the 1x1. If `patch_size` is no power of two, raise
# a `ValueError` when the module is built.


# %% tags=["exercise"] exercise="ConvStem"
class ConvStem(nn.Module):
    """A few convolutions in place of patchify: (B, C, H, W) -> (B, N, dim), N = (H/P) * (W/P)."""

    def __init__(self, in_channels, dim, patch_size):
        super().__init__()
        ### BEGIN SOLUTION
        steps = int(math.log2(patch_size))
        if 2**steps != patch_size:
            raise ValueError(f"patch_size must be a power of two, but it is {patch_size}.")
        channels = [in_channels] + [dim // 2**k for k in range(steps - 1, -1, -1)]
        self.convs, self.norms = nn.ModuleList(), nn.ModuleList()
        for below, above in pairwise(channels):
            self.convs.append(nn.Conv2d(below, above, kernel_size=3, stride=2, padding=1, bias=False))
            self.norms.append(nn.BatchNorm2d(above))
        self.proj = nn.Conv2d(dim, dim, kernel_size=1)
        ### STUB
        # raise NotImplementedError("Build self.convs, self.norms and self.proj.")
        ### END SOLUTION

    def forward(self, images):
        ### BEGIN SOLUTION
        x = images
        for conv, norm in zip(self.convs, self.norms, strict=True):
            x = F.relu(norm(conv(x)))  # (B, c, h, w) -> (B, c', h/2, w/2)
        ### sequence: row-major
        return rearrange(self.proj(x), "b d h w -> b (h w) d")  # (B, dim, H/P, W/P) -> (B, N, dim)
        ### sequence: column-major
        return rearrange(self.proj(x), "b d h w -> b (w h) d")  # (B, dim, H/P, W/P) -> (B, N, dim)
        ### STUB
        # raise NotImplementedError("From images to tokens.")
        ### END SOLUTION


# %% tags=["check"] exercise="ConvStem"
lesson.check("ConvStem")

# %% [markdown]
# Now put it into a ViT. Its first module is called `patch_embed` and may be anything that gives (B, N, dim): one line
# exchanges the stem, and nothing behind it notices.

# %%
Stem = lesson.piece("ConvStem")
vit = ViT(28, 4, 1, 10, dim=48, depth=2, heads=4)
vit.patch_embed = Stem(in_channels=1, dim=48, patch_size=4)
vit(torch.zeros(5, 1, 28, 28)).shape  # (B, 10)

# %% [markdown]
# What do the stages of a *trained* stem show? Here is one from a ViT for patches of 8 x 8 pixels: three convolutions.
# The garment has a frame of two pixels, so that 32 x 32 pixels divide by 8.

# %%
_, conv_vit = load_stems()
pictures = fashion_mnist("test", 6)
garments = framed(pictures.images)  # (B, 1, 32, 32)
with torch.no_grad():
    stages = conv_vit.patch_embed.stages(garments[:1])
figures.feature_maps(stages)

# %% [markdown]
# Edges of the garment, coarser from stage to stage. Look at the rim: some maps have a line of their own there, which
# comes from the zeros of the padding. Keep it in mind for part 6.

# %% [markdown] slideshow={"slide_type": "slide"}
# Small kernels overlap, so a token sees more than its own patch. Lesson 04's rule for the side of a receptive field:
# 1, plus for each layer (kernel - 1) times the product of the strides *below* it. **How many pixels on a side does one
# token of a stem for P = 16 see?** (Patchify: 16.)

# %% tags=["answer"] exercise="token_sees_stem"
### BEGIN SOLUTION
token_sees_stem = 31
### STUB
# token_sees_stem = ...  # pixels
### END SOLUTION

# %% tags=["check"] exercise="token_sees_stem"
lesson.check("token_sees_stem")

# %% [markdown]
# And measured: the pixels at which one token of a stem for P = 16 has a gradient. (Several random pictures, since a
# ReLU may be shut for one of them.)

# %%
stem16 = Stem(3, 64, 16).eval()
noise = torch.randn(20, 3, 80, 80, requires_grad=True)
stem16(noise)[:, 12].sum().backward()  # token 12 of 25: the one in the middle
seen = noise.grad.abs().amax((0, 1)) > 0  # (80, 80)

# %% tags=["compare"]
print(f"{seen.any(1).sum()} x {seen.any(0).sum()} pixels, tokens 16 apart: neighbours share a strip of 15")

# %% [markdown] slideshow={"slide_type": "slide"}
# One property is new. **Can a picture's tokens depend on the other pictures in its batch?**
#
# - a) no, never: convolutions work on one picture at a time
# - b) while training yes, in evaluation mode no
# - c) yes, in both modes
# - d) in evaluation mode only

# %% tags=["answer"] exercise="stem_norm_mixes"
### BEGIN SOLUTION
stem_norm_mixes = "b"
### STUB
# stem_norm_mixes = ...  # "a", "b", "c" or "d"
### END SOLUTION

# %% tags=["check"] exercise="stem_norm_mixes"
lesson.check("stem_norm_mixes")

# %% tags=["compare"]
for training in (True, False):
    tokens = stem16.train(training)(noise[:2])  # two pictures
    change = (tokens[0] - stem16(torch.cat([noise[:1], 5 * noise[1:2]]))[0]).abs().max()
    print(f"{'training' if training else 'evaluation'}: the first {'CHANGES' if change > 1e-4 else 'stays as it is'}")

# %% [markdown] tags=["ta-note"]
# **TA, 19 minutes.** The room writes `ConvStem`, twelve minutes, with hints; whoever is done early counts the weights
# on the worksheet. Then `token_sees_stem` by hand and `stem_norm_mixes` by vote.
# - **They get wrong:** *ReLU after the 1x1 convolution*: tokens can then never be negative. *a patch of 6 accepted*:
#   `int(math.log2(6))` is 2. They make all channels `dim`, or give the convolutions under the norms a bias: the check
#   calls that parameters which the model does not need. A kernel of 2 tiles the picture just as patchify does.
# - **Ask next:** Two tokens of patchify share no pixel. What does that mean for an edge that runs along a patch border?
#   (No token sees both sides of it: attention has to compare.) What does the overlap mean for MAE, which leaves patches
#   out? (Pixels of a masked patch leak into its neighbours.)
# - **Run live:** `_, conv_vit = load_stems()`, `print(f"{seen.any(1).sum()}…`: edges, coarser from stage to stage; then
#   31 pixels measured, as computed by hand.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 3 · What it costs, and who pays (25 min)
#
# A fair comparison gives the model with the stem no more FLOPs than the other. The stem costs more than patchify, so
# something has to go. Count first. A convolution gives one number for each place and each channel *that it makes*, and
# each of these numbers is a sum over kernel x kernel x channels-that-come-in products. A multiply-add counts 2. Norm,
# ReLU and bias are left out, as PyTorch's counter leaves them out.
#
# By hand: a 3x3 convolution of stride 2 from 1 to 24 channels on 28 x 28 pixels makes 14 x 14 places, so it costs
# 2 * 14 * 14 * 24 * (9 * 1) = 84,672.
#
# **Exercise.** Write `conv_stem_flops(in_channels, dim, patch_size, image_size)`: the FLOPs of the stem of part 2 on
# one picture, a number. `image_size` is (H, W), both multiples of `patch_size`.


# %% tags=["exercise"] exercise="conv_stem_flops"
def conv_stem_flops(in_channels, dim, patch_size, image_size):
    """FLOPs of all convolutions of a ConvStem on one picture of (H, W) pixels; a multiply-add counts 2."""
    ### BEGIN SOLUTION
    height, width = image_size
    steps = int(math.log2(patch_size))
    total, below = 0, in_channels
    for k in range(steps - 1, -1, -1):
        height, width, above = height // 2, width // 2, dim // 2**k
        total += 2 * height * width * above * 9 * below
        below = above
    return total + 2 * height * width * dim * dim  # the 1x1
    ### END SOLUTION


# %% tags=["check"] exercise="conv_stem_flops"
lesson.check("conv_stem_flops")

# %% [markdown]
# PyTorch can count for itself. It needs no data and no time: on the device `meta` tensors have only a shape.


# %%
def counted(model, image_size):
    """FLOPs of one picture, as FlopCounterMode counts them."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model.eval().to("meta")(torch.zeros(1, *image_size, device="meta"))
    return counter.get_total_flops()


# %% tags=["compare"]
my_flops = lesson.piece("conv_stem_flops")
for channels, dim, patch, side in ((3, 384, 16, 224), (1, 48, 4, 28), (3, 192, 8, 96)):
    by_formula, by_pytorch = (
        my_flops(channels, dim, patch, (side, side)),
        counted(Stem(channels, dim, patch), (channels, side, side)),
    )
    print(f"P = {patch:2}, dim = {dim}: {by_formula:,} {'=' if by_formula == by_pytorch else '≠'} {by_pytorch:,}")

# %% [markdown] slideshow={"slide_type": "slide"}
# Patchify costs 2 N C P² D (`patchify_flops`), and one block (lesson 03) 24 M D² + 4 M² D, with M = N + 1 tokens for
# the class token's sake.
#
# **Exercise.** Write `blocks_to_drop(in_channels, dim, patch_size, image_size)`: the **smallest whole number of
# blocks** that has to go, so that the model with the stem costs no more than the one with patchify. 0 if it costs no
# more anyway. You may call `conv_stem_flops`, `patchify_flops(in_channels, dim, patch_size, image_size)` and
# `block_flops(tokens, dim)`.


# %% tags=["exercise"] exercise="blocks_to_drop"
def blocks_to_drop(in_channels, dim, patch_size, image_size):
    """The smallest number of blocks that pays for a ConvStem in place of patchify."""
    ### BEGIN SOLUTION
    sizes = (in_channels, dim, patch_size, image_size)
    extra = conv_stem_flops(*sizes) - patchify_flops(*sizes)
    tokens = 1 + (image_size[0] // patch_size) * (image_size[1] // patch_size)
    return max(0, math.ceil(extra / block_flops(tokens, dim)))
    ### END SOLUTION


# %% tags=["check"] exercise="blocks_to_drop"
lesson.check("blocks_to_drop")

# %% [markdown]
# How well does a block pay? At width 384 and patches of 16 at 224 x 224, the sizes of Xiao et al.'s 4GF stem, and at
# the size of this lesson's own ViT:

# %% tags=["compare"]
my_blocks = lesson.piece("blocks_to_drop")
for sizes in ((3, 384, 16, (224, 224)), (1, 48, 4, (28, 28))):
    channels, dim, patch, (side, _) = sizes
    share = (my_flops(*sizes) - patchify_flops(*sizes)) / block_flops(1 + (side // patch) ** 2, dim)
    print(
        f"P = {patch}, dim = {dim}: the stem costs {share:.3f} blocks more than patchify, so {my_blocks(*sizes)} goes"
    )

# %% [markdown]
# At width 384 one block pays for the stem almost exactly, and one is what Xiao et al. drop (table 3). In our small
# model 0.39 of a block would do. We drop a whole one, so the comparison below is to the **disadvantage** of the stem:
# as PyTorch counts it, its model needs 27% fewer FLOPs. (Both models compute only the class token in their last block,
# so the block that went is one of the dear ones.)

# %%
plain = ViT(28, 4, 1, 10, dim=48, depth=3, heads=4)
stemmed = ViT(28, 4, 1, 10, dim=48, depth=2, heads=4)
stemmed.patch_embed = Stem(1, 48, 4)
head = 2 * 48 * 10
totals = {"patchify, 3 blocks": counted(plain, (1, 28, 28)), "conv stem, 2 blocks": counted(stemmed, (1, 28, 28))}
stem_costs = {
    "patchify, 3 blocks": patchify_flops(1, 48, 4, (28, 28)),
    "conv stem, 2 blocks": my_flops(1, 48, 4, (28, 28)),
}
figures.flops(
    {
        name: {"stem": stem_costs[name], "blocks": total - stem_costs[name] - head, "head": head}
        for name, total in totals.items()
    }
)

# %% [markdown] slideshow={"slide_type": "slide"}
# FLOPs are one price, weights another. **How many parameters does `ConvStem(3, 384, 16)` have?** (Patchify: 768 * 384
# + 384 = 295,296; one block of that width about 1.8 million.)

# %% tags=["answer"] exercise="parameters_conv_stem"
### BEGIN SOLUTION
parameters_conv_stem = 1_021_488
### STUB
# parameters_conv_stem = ...  # parameters
### END SOLUTION

# %% tags=["check"] exercise="parameters_conv_stem"
lesson.check("parameters_conv_stem")

# %% [markdown] tags=["ta-note"]
# **TA, not in the section.** Good homework. Worth seeing on the board: all 3x3 convolutions after the first cost the
# same, since the places fall to a quarter and the two channel numbers double.
# - **They get wrong:** *at the resolution of the picture*, *no 1x1 convolution*, and *dim channels everywhere*, nearly
#   13 times too much at P = 16. In `blocks_to_drop`, *one more than rounded down*: `int(x) + 1` fails at 0.
# - **Ask next:** Which layer of the stem holds most of the parameters? (The last 3x3, 192 → 384 channels: 663,552 of
#   1,021,488. The 1x1 behind it has 147,840.)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 4 · A stem for a block: AdamW (6 min) ★
#
# Two models: **patchify with 3 blocks**, and a **conv stem with 2 blocks**, which needs 27% fewer FLOPs. One learning
# rate would be unfair to one of them: so each is trained from scratch at five, from 0.0003 to 0.03, and its best
# counts. 2,000 pictures (12,000 on a GPU), 2 epochs: ten trainings, a minute or two in all.

# %%
on_gpu = best_device().type != "cpu"
train, test = fashion_mnist("train", 12_000 if on_gpu else 2_000), fashion_mnist("test")
RATES = {"AdamW": (3e-4, 1e-3, 3e-3, 1e-2, 3e-2), "SGD": (1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1)}
DECAY = {"AdamW": 0.05, "SGD": 1e-4}  # SGD adds it to the gradient, AdamW does not: the numbers mean different things


def build(stem):
    """A ViT with 49 tokens of width 48: 3 blocks with patchify, 2 with the conv stem."""
    model = ViT(28, 4, 1, 10, dim=48, depth=3 if stem == "patchify" else 2, heads=4)
    if stem == "conv stem":
        model.patch_embed = Stem(1, 48, 4)
    return model


# %%
curves = {"AdamW": {}, "SGD": {}}  # what was measured, for the picture at the end of part 5


@cache
def sweep(stem, optimizer, seed):
    """Test accuracy in percent by learning rate; each sweep is made once and kept for the parts below."""
    found = {}
    for rate in RATES[optimizer]:
        torch.manual_seed(seed)
        model = build(stem)
        how = {"lr": rate, "weight_decay": DECAY[optimizer], "optimizer": optimizer.lower(), "seed": seed}
        fit(model, train.images, train.labels, epochs=2, batch_size=32, progress=False, **how)
        found[rate] = evaluate(model, test.images, test.labels)
        print(f"    learning rate {rate:g}: {found[rate]:.1f}%", flush=True)
    curves[optimizer][stem] = found
    return found


def best(stem, optimizer):
    """The best accuracy of a sweep, as a function of the seed."""
    return lambda seed: max(sweep(stem, optimizer, seed).values())


# %% [markdown]
# **Predict: each at its own best learning rate, the accuracy of the model with the conv stem is**
#
# - a) lower: a block is worth more than two convolutions
# - b) the same within the spread of seeds
# - c) higher

# %% tags=["predict"] exercise="predict_adamw"
### BEGIN SOLUTION
predict_adamw = "c"
### STUB
# predict_adamw = ...  # "a", "b" or "c"
### END SOLUTION

# %% tags=["experiment"]
adamw_result = lesson.experiment(
    "predict_adamw",
    {"patchify, AdamW": best("patchify", "AdamW"), "conv stem, AdamW": best("conv stem", "AdamW")},
)
adamw_result

# %% tags=["compare"]
print(adamw_result.conclusion)

# %% [markdown]
# Two small convolutions are worth more than a block: over three seeds the means are 66.6% against 56.4%. They do what
# a ViT otherwise has to learn from data: look at edges and other small things first. Our runs are short, and that is
# when it counts most. In the paper's table 2, on ImageNet, the stem leads by 4.6 points after 100 epochs and by 3.0
# after 400 with 1GF models, and by 2.4 and 1.0 with 4GF ones.

# %% [markdown] tags=["ta-note"]
# **TA, 6 minutes.** Vote on `predict_adamw`, then show the table from before class.
# - **They get wrong:** They ask which rate was used. Five were, and each model counts at its own best: at one rate the
#   winner may be whoever the rate suits.
# - **Ask next:** What would happen to the lead with 100 times the pictures? (It should shrink: what a convolution has
#   built in, a ViT can learn from data. Nothing here measures it.)
# - **Run live:** `adamw_result = lesson.experiment(…`: the table as it stands from before class: two means ten points
#   apart, one block fewer.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 5 · The same with SGD (10 min) ★
#
# CNNs are trained with SGD as happily as with AdamW; ViTs have the name of needing AdamW. **What does AdamW do that
# SGD with momentum does not?**
#
# - a) it chooses the learning rate by itself, so that the one given hardly matters
# - b) it divides each parameter's step by the usual size of its gradient, so that layers with small and large
#   gradients move alike
# - c) it has momentum, and SGD has none
# - d) it cuts off gradients that are too long

# %% tags=["answer"] exercise="what_adamw_divides"
### BEGIN SOLUTION
what_adamw_divides = "b"
### STUB
# what_adamw_divides = ...  # "a", "b", "c" or "d"
### END SOLUTION

# %% tags=["check"] exercise="what_adamw_divides"
lesson.check("what_adamw_divides")

# %% [markdown]
# So look at the gradients of the two untrained models: for each weight, how long is its gradient beside the weight
# itself? With SGD one learning rate has to suit them all.


# %%
def relative_gradients(stem):
    """For each weight of an untrained model: length of its gradient over its own length."""
    torch.manual_seed(0)
    model = build(stem)
    classification_loss(model, train.images[:512], train.labels[:512]).backward()
    weights = {name: weight for name, weight in model.named_parameters() if weight.ndim > 1 and weight.norm() > 1e-3}
    return {name: (weight.grad.norm() / weight.norm()).item() for name, weight in weights.items()}


ratios = {stem: relative_gradients(stem) for stem in ("patchify", "conv stem")}
figures.relative_gradients(ratios)

# %%
for stem, found in ratios.items():
    low, high = min(found, key=found.get), max(found, key=found.get)
    print(f"{stem}: {high} has {found[high] / found[low]:.0f} times the relative gradient of {low}")

# %% [markdown] slideshow={"slide_type": "slide"}
# A factor of ten and more between the weights of *one* model, with either stem: reason enough for SGD to have a harder
# time. Which stem suffers more this does not say. **Predict: with SGD (momentum 0.9) at six learning rates from 0.001
# to 0.3, the best counts again, against AdamW**
#
# - a) both lose about as much
# - b) patchify loses more than the conv stem
# - c) the conv stem loses more than patchify
# - d) neither loses

# %% tags=["predict"] exercise="predict_sgd"
### BEGIN SOLUTION
predict_sgd = "b"
### STUB
# predict_sgd = ...  # "a", "b", "c" or "d"
### END SOLUTION


# %% tags=["experiment"]
def lost(stem):
    """Points that a stem's best accuracy loses with SGD, as a function of the seed."""
    return lambda seed: best(stem, "AdamW")(seed) - best(stem, "SGD")(seed)


sgd_result = lesson.experiment(
    "predict_sgd",
    {
        "patchify, SGD": best("patchify", "SGD"),
        "conv stem, SGD": best("conv stem", "SGD"),
        "patchify, lost against AdamW": lost("patchify"),
        "conv stem, lost against AdamW": lost("conv stem"),
    },
)
sgd_result

# %% tags=["compare"]
print(sgd_result.conclusion)

# %% [markdown]
# Over three seeds patchify loses 7.1 points and the conv stem 2.7. In the paper's table 3, on ImageNet, these are 5.3
# and 0.7: the same direction.

# %% [markdown] slideshow={"slide_type": "slide"}
# Besides its best rate, a model has a *range* of rates that work: say, that come within 4 points of its own best, as
# Xiao et al. count. A wide range saves searching. **Predict: measured in decades (factors of ten) of the learning
# rate, the range that works is**
#
# - a) wider with the conv stem
# - b) the same
# - c) wider with patchify

# %% tags=["predict"] exercise="predict_range"
### BEGIN SOLUTION
predict_range = "b"
### STUB
# predict_range = ...  # "a", "b" or "c"
### END SOLUTION

# %% tags=["experiment"]
range_result = lesson.experiment(
    "predict_range",
    {
        f"{stem}, {name}": lambda seed, stem=stem, name=name: decades_that_work(sweep(stem, name, seed))
        for name in ("AdamW", "SGD")
        for stem in ("patchify", "conv stem")
    },
)
range_result

# %% tags=["compare"]
print(range_result.conclusion)

# %% [markdown]
# Here our runs do **not** show what the paper found. Measured from its own best, the range is about 1.1 decades for
# either stem with AdamW and 1.3 for either with SGD. All runs in one picture; bold: within 4 points of the same curve's
# best.

# %%
figures.sweeps(curves)

# %%
for name, stems in curves.items():
    if len(stems) == 2:
        top = max(stems["patchify"].values())
        better = sum(value > top for value in stems["conv stem"].values())
        print(f"{name}: the conv stem is better than patchify's very best at {better} of {len(RATES[name])} rates")

# %% [markdown]
# The hills are as wide, and the conv stem's is higher: at several rates, not only at its best one, it beats patchify's
# very best. To whoever looks for a rate that is *good enough*, it is the easier model after all. The paper's count is
# another experiment: models that cost hundreds to thousands of times as much, learning rate *and* weight decay drawn at
# random. A handful of rates, two epochs and three seeds cannot contradict it; they only fail to repeat it.

# %% [markdown] tags=["ta-note"]
# **TA, 9 minutes.** `what_adamw_divides` by vote, then both predictions. Run the experiments before class. The point of
# the last one is honesty: a published finding that a small experiment does not repeat.
# - **They get wrong:** In `what_adamw_divides` c) is tempting, but this SGD has momentum too. The last table does not
#   show what the paper found, and they call the paper wrong: these runs are small and short.
# - **Ask next:** Why does patchify lose more? (The gradients do not tell: they differ with either stem. The paper
#   conjectures that its large kernel and stride are to blame, which no usual CNN has.) Which choices could hide the
#   paper's wider range? (Own best or a common bar, the spacing of the rates, one weight decay only, short runs, in
#   which low rates do not get far enough.) Which of these could be settled here in a minute? (The common bar: the last
#   cell.)
# - **Run live:** `sgd_result = lesson.experiment(`, `range_result = lesson.experiment(`, `figures.sweeps(curves)`:
#   patchify loses more; the ranges are alike; the hills are as wide, and one is higher.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 6 · The other doors (16 min)
#
# Doors 2 and 3 need a convolution *among tokens*: put them back on the grid, convolve, read them out again. An
# ordinary 3x3 convolution would cost 9 D² multiply-adds a token, more than the MLP's 8 D². So each feature gets a 3x3
# kernel of its own (**depthwise**): 9 D.
#
# **Exercise.** Write `depthwise_on_grid(tokens, weight, grid)`: tokens (B, N, D), without class token,
# {{sequence_words}} over `grid` = (rows, columns); weight (D, 1, 3, 3). Each token becomes the weighted sum of the
# nine tokens around it, itself in the middle, zeros beyond the border; feature by feature. Returns (B, N, D).


# %% tags=["exercise"] exercise="depthwise_on_grid"
def depthwise_on_grid(tokens, weight, grid):
    """A 3x3 depthwise convolution over the grid of the tokens: (B, N, D) -> (B, N, D)."""
    ### BEGIN SOLUTION
    rows, cols = grid
    ### sequence: row-major
    maps = rearrange(tokens, "b (h w) d -> b d h w", h=rows, w=cols)  # (B, N, D) -> (B, D, rows, cols)
    ### sequence: column-major
    maps = rearrange(tokens, "b (w h) d -> b d h w", h=rows, w=cols)  # (B, N, D) -> (B, D, rows, cols)
    maps = F.conv2d(maps, weight, padding=1, groups=len(weight))
    return rearrange(maps, "b d h w -> b (h w) d")  # (B, D, rows, cols) -> (B, N, D)  ### sequence: row-major
    return rearrange(maps, "b d h w -> b (w h) d")  # (B, D, rows, cols) -> (B, N, D)  ### sequence: column-major
    ### END SOLUTION


# %% tags=["check"] exercise="depthwise_on_grid"
lesson.check("depthwise_on_grid")

# %% [markdown]
# Feed it 7 x 7 times the *same* token, as if a ViT looked at an empty wall. An MLP would treat all of them alike.

# %%
convolve = lesson.piece("depthwise_on_grid")
wall = torch.ones(1, 49, 48)  # (B, N, D)
kernels = torch.randn(48, 1, 3, 3, generator=torch.Generator().manual_seed(0)) / 3
added = {"a depthwise convolution": convolve(wall, kernels, (7, 7)), "an MLP": EncoderBlock(48, 4).mlp(wall)}
figures.borders({name: values.detach().norm(dim=-1).reshape(7, 7) for name, values in added.items()})

# %% [markdown]
# Corners, borders and the inside are told apart, by the zeros beyond the border alone: that is why a convolution can
# stand in for a table of positions. One layer knows the border; several layers carry it inwards, one token each.
#
# **Take a ViT without any position table. At which doors does what is done *to the tokens* depend on where they
# stand?**
#
# - a) all four
# - b) stem and hybrid backbone
# - c) inside the blocks and as positions
# - d) none of them: attention is permutation-equivariant
#
# Test it with lesson 02's idea: where places count, shuffled tokens give other outputs.

# %% tags=["answer"] exercise="which_convolution_places"
### BEGIN SOLUTION
which_convolution_places = "c"
### STUB
# which_convolution_places = ...  # "a", "b", "c" or "d"
### END SOLUTION

# %% tags=["check"] exercise="which_convolution_places"
lesson.check("which_convolution_places")

# %%
torch.manual_seed(0)
block, conv_block = EncoderBlock(48, 4).double(), EncoderBlock(48, 4).double()
conv_block.mlp = ConvMLP(48, 4 * 48, grid=(7, 7)).double()
with_positions = nn.Sequential(ConvPositions(48, grid=(7, 7)), EncoderBlock(48, 4)).double()
tokens = torch.randn(1, 50, 48, dtype=torch.float64)  # a class token and what some stem has made of a picture
order = torch.cat([torch.tensor([0]), 1 + torch.randperm(49)])  # the class token stays

# %% tags=["compare"]
doors = {"stem or backbone, then a plain block": block, "inside the block": conv_block, "as positions": with_positions}
for name, encoder in doors.items():
    minds = permutation_gap(encoder, tokens, order) > 1e-9
    print(f"{name}: shuffled tokens give {'OTHER outputs' if minds else 'the same outputs, shuffled'}")

# %% [markdown]
# To be fair to the stem: its tokens overlap, and at the picture's rim it sees zeros too, so a token may *carry* a
# trace of where it comes from in its features. But what the blocks do with tokens is blind to places.
#
# | door | tensor | gain | price |
# |:---|:---|:---|:---|
# | 1 stem | pixels | edges first, overlap, easier training | patches overlap: bad for masking (lesson 07) |
# | 2 inside blocks | tokens on their grid, every block | neighbours at every depth | class token left out |
# | 3 as positions | tokens on their grid, once | no table: any resolution | knows the border, not the place itself |
# | 4 backbone | a CNN's last map | all that a CNN knows | a whole CNN to run first |

# %% [markdown] tags=["ta-note"]
# **TA, not in the section.** Homework.
# - **They get wrong:** *view without permute*: `reshape` to (B, D, rows, cols) without moving the features. *rows and
#   columns swapped*: invisible on square grids. They drag the class token onto the grid, and N is no product any more.
# - **Ask next:** Door 3 with circular padding: does the convolution still tell places apart? (No: every place has the
#   same surroundings.)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 7 · The filters each learns (5 min)
#
# The two trained ViTs for patches of 8, and one garment. Patchify has 48 filters of 8 x 8 pixels, **the same for every
# token**. The conv stem's first filters have 3 x 3; what a deeper unit reacts to depends on which ReLUs are open, so
# its filter is **another one for every place**. Click on tokens and watch. **Find two tokens whose conv filters look
# alike. What do their pixels have in common?**

# %% tags=["explorer"]
explorer.explore(*load_stems(), garments[0])

# %% [markdown] tags=["ta-note"]
# **TA, not in the section.** Walk through the guided steps, then click from the background into the garment: patchify's
# filters never change, the stem's do.
# - **They get wrong:** They expect another filter for every token. On plain background all tokens have the same ones:
#   the same ReLUs are open.
# - **Ask next:** At the first stage the stem's filters are the same everywhere, too. Why? (No ReLU stands below it.)
#   Why is a map of the first stage sharper than any of patchify's? (It has 16 times as many places.)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 8 · Answer the sheet (6 min) ★
#
# Now answer part (h) in your own words: you may add a few convolutions to a ViT. Say **where** (two places at least,
# and what happens there to which tensor), **which one you would choose** and what it buys, and **what it costs** (part
# 3 has the numbers) and how you would compare fairly. A person reads this one, so no check can tick it off in the
# overview.

# %% [markdown] tags=["answer"] exercise="where_convolutions"
# ### BEGIN SOLUTION
# Convolutions can stand in for patchify (a stem: pixels to tokens by 3x3 kernels of stride 2), act inside the blocks
# on the tokens put back on their grid (say, depthwise in the MLP), make positions (a convolution of the tokens, added
# to them), or form a whole backbone whose last feature map gives the tokens. I would choose the stem: it is one
# module, the rest of the ViT stays as it is, its small overlapping kernels know what neighbours are, and in our runs
# it beat patchify at lower cost, by 10 points with AdamW and by 15 with SGD. It costs FLOPs, about one block at width
# 384, so I would drop blocks until it costs no more, and compare each model at its own best learning rate over several
# seeds. What is lost: patch sizes must be powers of two, and tokens overlap, so MAE cannot simply leave patches out.
# The stem does not make the blocks aware of places: a position table (or convolutions inside) is needed as before.
# ### END SOLUTION

# %% [markdown] tags=["ta-note"]
# **TA, 6 minutes.** Where, which one, what it buys, what it costs: one sentence each, from four people. Nobody has
# counted the cost yet, since part 3 is homework: tell them that at width 384 the stem costs what one block costs. Then
# everybody writes `where_convolutions`.
# - **They get wrong:** They forget the price, or say "better" without saying how the comparison was made fair: blocks
#   dropped, each at its own best rate.
# - **Ask next:** What can the stem not do that patchify can? (Patch sizes that are no powers of two, and leaving
#   patches out, as MAE does.)
# - **Run live:** nothing: the sheet's question is answered aloud.

# %% [markdown] slideshow={"slide_type": "slide"}
# **What you can say now.**
#
# - Four doors: stem, inside the blocks, positions, backbone. The first and last make better tokens, the other two tell
#   the blocks about places.
# - A conv stem is log2(P) small convolutions; at width 384 it costs one block, and it is worth more than that block.
# - Here it won with AdamW and more so with SGD, each model at its own best rate. That its range of rates is wider, as
#   the paper has it, our small runs did not show.
#
# **Read on.** [Early Convolutions Help Transformers See Better](https://arxiv.org/abs/2106.14881) (this stem) ·
# [ViT](https://arxiv.org/abs/2010.11929) (the hybrid) · lesson 02 (who minds the order), lesson 04 (receptive fields).

# %% [markdown] tags=["worksheet"]
# You may add a few convolutions to a ViT. **Where, and what do they buy?**
#
# ### `hybrid_patch`
# One way: run a CNN first, and cut its feature map into tokens.
#
# > 14 · 14 places are wanted as 196 tokens: a token for each place. Each place has seen many pixels already.
#
# ### `token_sees_stem` (20 mm)
# Another: replace *patchify*, the one large convolution that makes tokens, by a *stem*. For P = 16 it is four 3x3
# convolutions of stride 2 on top of each other, then a 1x1 convolution. A layer adds (kernel - 1) times the product of
# the strides *below* it to the 1 pixel one starts with.
#
# > 1 + 2 · 1 + 2 · 2 + 2 · 4 + 2 · 8 = 31; the 1x1 adds 0. Tokens lie 16 pixels apart, so neighbours overlap.
#
# ### Count the weights (24 mm)
# A stem for P = 4 takes grey pictures (1 channel) to width 8: a 3x3 convolution from 1 to 4 channels, a 3x3 from 4
# to 8, a 1x1 from 8 to 8. How many weights have these convolutions, without biases and norms? And how many has the
# one convolution with kernel 4 and stride 4 that they replace?
#
# > 9 · 1 · 4 + 9 · 4 · 8 + 8 · 8 = 36 + 288 + 64 = **388**, against 16 · 1 · 8 = **128**. Common: the 1x1 counted as
# > a 3x3.
#
# ### `predict_adamw`
# The stem costs more than it replaces, so the model with it has one block fewer.
#
# > Small overlapping kernels know about neighbours, which attention has to learn from data.
#
# ### `what_adamw_divides`
# > Multiply the gradients of one layer by 10: its step with SGD is 10 times as long, with Adam it stays. So one
# > learning rate suits layers with small and large gradients.
#
# ### `predict_sgd`
# The two models of the prediction before, trained in another way.
#
# > Both lose: one rate has to suit layers whose gradients differ in size. That the model with the stem loses less is
# > measured, not explained; Xiao et al. suspect patchify itself, a large kernel with as large a stride.
