# %% [markdown] slideshow={"slide_type": "slide"}
# # 03 · What attention costs
#
# Attention lets every patch look at every patch, and that has a price. Part (c) of the discussion sheet asks how it
# grows with the picture, the patch and the width. Here you derive it, write it as five short functions, have PyTorch
# and published figures check them, and then measure time and memory on this machine. Afterwards you can
#
# - say what QK^T and AV cost, in tokens and in pixels, and what doubling the resolution does,
# - count the FLOPs of any ViT on the back of an envelope, and read a published GFLOPs figure,
# - say when attention is the dear part of a ViT, and what helps then.
#
# {{contents}}
#
# Short of time? The parts marked ★ make up one section of at most 50 minutes.

# %% [markdown]
# Run this cell first (Shift+Enter).

# %% tags=["setup"]
from functools import partial

import torch
import torch.nn.functional as F

from helpers import profiling
from helpers.check import Lesson
from helpers.data import photo
from helpers.explorers import attention_cost as explorer
from helpers.figures import attention_cost as figures
from helpers.models.attention import attention
from helpers.models.vit import MLP, EncoderBlock, ViT
from helpers.models.windows import windowed_attention
from helpers.papers import VIT_GFLOPS
from helpers.train import best_device

lesson = Lesson("03", globals())
lesson

# %% [markdown] tags=["ta-note"]
# **TA, opening.** Ask: of all the work in a ViT-B at 224 pixels, which share do QK^T and AV take, the two products in
# which tokens meet tokens? Collect three guesses on the board, for part 3. Most say over half. (It is 4%: keep that to
# yourself until the figure.)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 1 · The unit: one multiply-add is 2 FLOPs (7 min) ★
#
# Nearly all the work of a transformer is matrix products. The product of an `(a, b)` and a `(b, c)` matrix has `a*c`
# numbers, each a sum of `b` products: `b` multiplications and `b` additions. So it takes
#
# $$2 \cdot a \cdot b \cdot c \quad \text{floating-point operations (FLOPs).}$$
#
# **In this lesson a multiply-add counts 2**, as in PyTorch's own counter. Many papers and model cards count it 1 and
# still say "FLOPs"; where such a figure appears below, it says so. Norms, biases, softmax and GELU are left out: in a
# ViT-B at 224 pixels they are under 1%.
#
# **How many FLOPs does a `(3, 5)` matrix times a `(5, 7)` matrix take?**

# %% tags=["answer"] exercise="flops_of_product"
### BEGIN SOLUTION
flops_of_product = 210
### STUB
# flops_of_product = ...  # a number
### END SOLUTION

# %% tags=["check"] exercise="flops_of_product"
lesson.check("flops_of_product")

# %% [markdown]
# PyTorch agrees. `count_flops` runs a function under PyTorch's `FlopCounterMode`, which looks at the shapes of every
# product that comes by.

# %% tags=["compare"]
print(profiling.count_flops(lambda: torch.zeros(3, 5) @ torch.zeros(5, 7)), "FLOPs")

# %% [markdown] slideshow={"slide_type": "slide"}
# Everything depends on the number of tokens. **Exercise.** `num_tokens(height, width, patch_size)`: how many patches
# of `patch_size` x `patch_size` pixels tile a picture of `height` x `width`? (Sides are multiples of the patch size;
# the class token is not counted here.) A picture of 32 x 48 pixels with patches of 16 has 2 · 3 = 6.


# %% tags=["exercise"] exercise="num_tokens"
def num_tokens(height, width, patch_size):
    """Number of patches of a picture; all sizes in pixels."""
    ### BEGIN SOLUTION
    return (height // patch_size) * (width // patch_size)
    ### END SOLUTION


# %% tags=["check"] exercise="num_tokens"
lesson.check("num_tokens")

# %% [markdown] tags=["ta-note"]
# **TA, 6 minutes.** Insist on the unit: half of all confusion about GFLOPs is the factor 2. The room answers
# `flops_of_product` and writes `num_tokens`.
# - **They get wrong:** 105 for 210: each multiply-add counted once. In `num_tokens`, *pixels divided by the side*
#   (`height * width // patch_size`) and *square pictures only* (the square of one side).
# - **Ask next:** Does the cost depend on which matrix comes first? (`(5, 7)` times `(7, 3)` is another product, with
#   the same cost.)
# - **Run live:** `print(profiling.count_flops(lambda: torch.zeros(3, 5)…`: PyTorch counts the same 210.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 2 · Attention alone (14 min) ★
#
# Attention on one picture, all heads together: queries, keys and values of shape `(N, D)`, each head with $d$ of the
# $D$ features.
#
# $$S = Q K^\top \qquad A = \mathrm{softmax}(S / \sqrt d) \qquad A V$$
#
# Making Q, K and V is not counted in this part. Several heads change nothing: each has its
# own N x N scores but only D / heads numbers in a dot product.
#
# **How does the work of the two products grow with the number of tokens $N$ and the width $D$?** Answer with an
# expression in quotes, such as `"N * D"`. Constant factors do not matter.

# %% tags=["answer"] exercise="growth_in_tokens"
### BEGIN SOLUTION
growth_in_tokens = "N**2 * D"
### STUB
# growth_in_tokens = ...  # an expression in N and D, in quotes
### END SOLUTION

# %% tags=["check"] exercise="growth_in_tokens"
lesson.check("growth_in_tokens")

# %% [markdown]
# **Exercise.** Now exactly. `attention_flops(height, width, patch_size, dim)`: the FLOPs of `Q @ K.T` and `A @ V` for
# the patches of one picture (no class token, no projections, no softmax; a multiply-add counts 2). You may use your
# `num_tokens`. By hand: a picture of 32 x 48 with patches of 16 and `dim` 10 has 6 tokens; `(6, 10)` times `(10, 6)`
# takes 720, `(6, 6)` times `(6, 10)` takes 720 as well: 1440.


# %% tags=["exercise"] exercise="attention_flops"
def attention_flops(height, width, patch_size, dim):
    """FLOPs of QK^T and AV among the patches of one picture; a multiply-add counts 2."""
    ### BEGIN SOLUTION
    tokens = num_tokens(height, width, patch_size)
    return 2 * tokens * dim * tokens + 2 * tokens * tokens * dim  # QK^T, then AV
    ### END SOLUTION


# %% tags=["check"] exercise="attention_flops"
lesson.check("attention_flops")

# %% [markdown]
# Does PyTorch count the same for real attention, in 12 heads of 64 on a picture that is not square?

# %%
q, k, v = torch.randn(3, 1, 12, 14 * 21, 64)  # (B, heads, N, d) each: a picture of 224 x 336, P = 16
counted = profiling.count_flops(lambda: attention(q, k, v))
ours = lesson.piece("attention_flops")(224, 336, 16, 12 * 64)

# %% tags=["compare"]
print("same as FlopCounterMode:", counted == ours)

# %% [markdown] slideshow={"slide_type": "slide"}
# Exactly equal, down to the last operation. Now in the picture's own terms. **Put $N = HW / P^2$ in (a picture of
# $H \times W$ pixels, patches of $P \times P$): how does the work grow with $H$, $W$, $P$ and $D$?**

# %% tags=["answer"] exercise="growth_in_pixels"
### BEGIN SOLUTION
growth_in_pixels = "H**2 * W**2 * D / P**4"
### STUB
# growth_in_pixels = ...  # an expression in H, W, P and D, in quotes
### END SOLUTION

# %% tags=["check"] exercise="growth_in_pixels"
lesson.check("growth_in_pixels")

# %% [markdown]
# **How many times the work is it when both sides of the picture double?**

# %% tags=["answer"] exercise="double_resolution"
### BEGIN SOLUTION
double_resolution = 16
### STUB
# double_resolution = ...  # a factor
### END SOLUTION

# %% tags=["check"] exercise="double_resolution"
lesson.check("double_resolution")

# %% [markdown]
# **And when the picture stays and the patch size halves?**

# %% tags=["answer"] exercise="halve_patch"
### BEGIN SOLUTION
halve_patch = 16
### STUB
# halve_patch = ...  # a factor
### END SOLUTION

# %% tags=["check"] exercise="halve_patch"
lesson.check("halve_patch")

# %% [markdown]
# See it: the scores of all tokens with all tokens, drawn to one scale. From left to right the patches halve twice, and
# the square grows 256-fold.

# %% slideshow={"slide_type": "slide"}
figures.score_matrices(photo("chelsea"), [56, 28, 14])

# %% [markdown] tags=["ta-note"]
# **TA, 13 minutes.** The room writes `attention_flops`; the growths and the two doublings go by vote.
# - **They get wrong:** *N for N^2*: one score a token. *P^2 for P^4*: HW gets squared and the P² below it does
#   not. *projections counted*, although the question leaves them out. Who says 4 for `double_resolution`: ask for
#   the number of tokens first, then for the number of pairs.
# - **Ask next:** What does doubling the width of the picture alone do? (Four times the work: twice the tokens.)
# - **Run live:** `figures.score_matrices(…`: one scale for all three squares; from left to right the patches halve
#   twice, and the square grows 256-fold.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 3 · Attention against the rest of the block (13 min) ★
#
# So attention is quadratic and must be what makes ViTs slow? Not so fast. In an encoder block stand four linear layers
# too: `qkv` (from D to 3 D), `proj` (D to D), `fc1` (D to 4 D) and `fc2` (4 D to D).
#
# **How does the work of such a layer on $N$ tokens of width $D$ grow?**

# %% tags=["answer"] exercise="growth_of_projections"
### BEGIN SOLUTION
growth_of_projections = "N * D**2"
### STUB
# growth_of_projections = ...  # an expression in N and D, in quotes
### END SOLUTION

# %% tags=["check"] exercise="growth_of_projections"
lesson.check("growth_of_projections")

# %% [markdown]
# **Exercise.** `block_flops(tokens, dim, mlp_ratio=4)`: all matrix products of one encoder block on a sequence of
# `tokens` tokens: `qkv`, QK^T, AV, `proj`, and the MLP with its hidden layer of `mlp_ratio * dim`. By hand, for 2
# tokens of width 4: projections 256, attention 64, MLP 512, together 832.


# %% tags=["exercise"] exercise="block_flops"
def block_flops(tokens, dim, mlp_ratio=4):
    """FLOPs of one encoder block on one sequence; a multiply-add counts 2."""
    ### BEGIN SOLUTION
    projections = 2 * tokens * dim * (3 * dim) + 2 * tokens * dim * dim  # qkv, proj
    attention = 2 * (2 * tokens**2 * dim)  # QK^T, AV
    mlp = 2 * (2 * tokens * dim * int(mlp_ratio * dim))  # fc1, fc2
    return projections + attention + mlp
    ### END SOLUTION


# %% tags=["check"] exercise="block_flops"
lesson.check("block_flops")

# %% [markdown]
# PyTorch counts a real block, of ViT-B's size with 197 tokens (196 patches and the class token):

# %%
block = EncoderBlock(dim=768, heads=12)
counted = profiling.count_flops(lambda: block(torch.zeros(1, 197, 768)))
ours = lesson.piece("block_flops")(197, 768)

# %% tags=["compare"]
print("same as FlopCounterMode:", counted == ours)

# %% [markdown] slideshow={"slide_type": "slide"}
# For the usual block (`mlp_ratio = 4`) your function sums up to one term with $N^2$ and one with $N$. **At how many
# tokens is attention (QK^T and AV) exactly half of a block of ViT-B, which is 768 wide?** Set the two terms equal.

# %% tags=["answer"] exercise="crossing_tokens"
### BEGIN SOLUTION
crossing_tokens = 4608
### STUB
# crossing_tokens = ...  # a number of tokens
### END SOLUTION

# %% tags=["check"] exercise="crossing_tokens"
lesson.check("crossing_tokens")

# %% [markdown]
# So at $N = 6 D$, whatever the width. **How many pixels has a side of the smallest square picture beyond that, with
# patches of 16 pixels?**

# %% tags=["answer"] exercise="crossing_side"
### BEGIN SOLUTION
crossing_side = 1088
### STUB
# crossing_side = ...  # pixels
### END SOLUTION

# %% tags=["check"] exercise="crossing_side"
lesson.check("crossing_side")

# %% slideshow={"slide_type": "slide"}
figures.crossing(dim=768)

# %% [markdown]
# At 224 pixels attention is 4% of a block: "quadratic" says how a cost grows, not how large it is. Beyond 1088 pixels
# it is most of the block, and at 4096 nearly all of it.

# %% [markdown] tags=["ta-note"]
# **TA, 12 minutes.** Take `growth_of_projections` by vote and let the room write `block_flops`. Work out
# `crossing_tokens` together, turn past `crossing_side` (homework), and with the figure go back to the guesses
# on the board.
# - **They get wrong:** *MLP forgotten* leads to N = 2 D for the crossing; N = D drops the constants, which is right for
#   a growth and wrong for a crossing. *multiply-add counted once*: exactly half in every case.
# - **Ask next:** Does a wider model spend a larger or a smaller share of its FLOPs on attention, on the same picture?
#   (A smaller one: the crossing moves out with D.)
# - **Run live:** `figures.crossing(dim=768)`: find 224 pixels first, then where the two meet.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 4 · A whole ViT, and published figures (15 min)
#
# **Exercise.** `vit_flops(image_size, patch_size, dim, depth, mlp_ratio=4, channels=3, num_classes=1000)`: everything,
# for one picture. `image_size` is `(H, W)`, or one number for a square picture. In this order:
#
# 1. patch embedding: a linear layer from the `channels * P * P` numbers of a patch to `dim`, on each **patch**;
# 2. the class token joins, so the `depth` blocks see **1 + N** tokens;
# 3. head: a linear layer from `dim` to `num_classes`, on the class token alone.


# %% tags=["exercise"] exercise="vit_flops"
def vit_flops(image_size, patch_size, dim, depth, mlp_ratio=4, channels=3, num_classes=1000):
    """FLOPs of a ViT on one picture; a multiply-add counts 2."""
    ### BEGIN SOLUTION
    height, width = (image_size, image_size) if isinstance(image_size, int) else image_size
    tokens = num_tokens(height, width, patch_size)
    embedding = 2 * tokens * (channels * patch_size**2) * dim
    head = 2 * dim * num_classes
    return embedding + depth * block_flops(1 + tokens, dim, mlp_ratio) + head
    ### END SOLUTION


# %% tags=["check"] exercise="vit_flops"
lesson.check("vit_flops")

# %% [markdown] slideshow={"slide_type": "slide"}
# Three models of the ViT paper: patch size, width, depth and heads. Beside them what torchvision's model cards give.

# %%
models = {"ViT-B/16": (16, 768, 12, 12), "ViT-B/32": (32, 768, 12, 12), "ViT-L/16": (16, 1024, 24, 16)}
published = VIT_GFLOPS.values  # GFLOPs of the model cards

# %% [markdown]
# PyTorch's counter needs shapes, not numbers, so it can count models that are never computed: on the device `meta`
# tensors have a shape and nothing in it. (We count the course's `ViT.stages`, which computes every token in every
# block, as the paper has it. Calling the model itself would be a little cheaper: of the last block it computes only the
# class token, the one that the head reads.)

# %%
count = lesson.piece("vit_flops")
with torch.device("meta"):
    counted = {
        name: profiling.count_flops(
            partial(ViT(224, patch, 3, 1000, dim, depth, heads).stages, torch.empty(1, 3, 224, 224))
        )
        for name, (patch, dim, depth, heads) in models.items()
    }

# %% tags=["compare"]
for name, (patch, dim, depth, _) in models.items():
    flops = count(224, patch, dim, depth)
    same = "equal to" if flops == counted[name] else "NOT equal to"
    print(f"{name}: {flops / 1e9:.2f} GFLOPs, {same} FlopCounterMode; the model card says {published[name]}")

# %% [markdown]
# Your count is PyTorch's to the last digit, and **twice** the published one. **Why?**
#
# - a) they count a multiply-add once, we count it as 2
# - b) they leave the MLPs out
# - c) they count half-precision numbers
# - d) they count a picture and its mirror image together

# %% tags=["answer"] exercise="published_gflops"
### BEGIN SOLUTION
published_gflops = "a"
### STUB
# published_gflops = ...  # a letter
### END SOLUTION

# %% tags=["check"] exercise="published_gflops"
lesson.check("published_gflops")

# %% tags=["compare"]
for name, (patch, dim, depth, _) in models.items():
    ratio = count(224, patch, dim, depth) / 2 / 1e9 / published[name]  # a multiply-add counted once
    print(f"{name}: within 1% of the model card: {abs(ratio - 1) < 0.01}")

# %% [markdown] slideshow={"slide_type": "slide"}
# ViTs are often fine-tuned at 384 x 384 pixels. **Of all FLOPs of ViT-B/16 there (12 blocks, 768 wide), how many
# percent are QK^T and AV, in all blocks together?** A scratch cell can do the arithmetic; mind the class token.

# %% tags=["answer"] exercise="share_b16"
### BEGIN SOLUTION
share_b16 = 11.06
### STUB
# share_b16 = ...  # percent
### END SOLUTION

# %% tags=["check"] exercise="share_b16"
lesson.check("share_b16")

# %% [markdown]
# Here is the whole model at 384 pixels, each part as wide as its share. The part that this lesson is about is still a
# thin one.

# %%
figures.whole_model(image_size=384, patch_size=16, dim=768, depth=12)

# %% [markdown] tags=["ta-note"]
# **TA, not in the section.** When somebody's count is half of the expected one, it is the multiply-add.
# - **They get wrong:** *no class token*: the blocks see one token more than there are patches. *class token embedded*,
#   *head on every token*, and a result *in GFLOPs*.
# - **Ask next:** B/32 has four times fewer patches than B/16, at the same width. Why is it almost exactly four times
#   cheaper, and not sixteen? (Far below the crossing nearly everything is linear in N.)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 5 · Measured: time against tokens (9 min) ★
#
# Operations are not seconds. So we time four things with the same width on square pictures of growing resolution: the
# MLP of a block, attention in windows (each patch meets only the 64 of its own window of 8 x 8; part 7 says more), full
# attention, and a whole block.

# %%
device = best_device()
sides = (16, 24, 32, 40, 48) if device.type == "cpu" else (40, 48, 64, 80, 96)  # patches in a row
dim, heads, window = 384, 6, 8
mlp, block = MLP(dim, 4 * dim).to(device), EncoderBlock(dim, heads).to(device)

# %% [markdown]
# On log-log axes a power law is a straight line, and its slope is the exponent: cost $\sim N^{\text{slope}}$. Twice
# the resolution is four times the tokens, which takes $4^{\text{slope}}$ times as long, so of its **tokens a second**
# a part keeps $4^{1 - \text{slope}}$.
#
# **Predict: what is left of the pace, in tokens a second, at twice the resolution?**
#
# - a) the same everywhere: a token is a token
# - b) a quarter or less in full attention; about all in MLP and windowed attention; a block lies between
# - c) a quarter everywhere: there are four times the tokens
# - d) a sixteenth in full attention, a quarter in the MLP

# %% tags=["predict"] exercise="predict_time"
### BEGIN SOLUTION
predict_time = "b"
### STUB
# predict_time = ...  # "a", "b", "c" or "d"
### END SOLUTION

# %%
timings = {}


def part(name, side, seed):
    """One run of a part on side x side patches, as a function without arguments."""
    x = torch.randn(1, side * side, dim, generator=torch.Generator().manual_seed(seed)).to(device)  # (B, N, D)
    q = x.view(1, side * side, heads, dim // heads).transpose(1, 2).contiguous()  # (B, N, D) -> (B, heads, N, d)
    return {
        "MLP": partial(mlp, x),
        "windowed attention": partial(windowed_attention, q, q, q, (side, side), window),
        "whole block": partial(block, x),
        "full attention": partial(attention, q, q, q),
    }[name]


def pace_left(name, rounds, seed):
    """Percent of the tokens a second that are left at twice the resolution."""
    timings[name] = profiling.seconds({side**2: part(name, side, seed) for side in sides}, device, rounds)
    return profiling.kept_at_twice_the_resolution(profiling.power_law(timings[name]))


# %% tags=["experiment"]
rounds = {"MLP": 8, "windowed attention": 20, "whole block": 4, "full attention": 4}
result = lesson.experiment("predict_time", {name: partial(pace_left, name, n) for name, n in rounds.items()})
result

# %% tags=["compare"]
print(result.conclusion)

# %% slideshow={"slide_type": "slide"}
figures.against_tokens(timings, "seconds")

# %% [markdown]
# The fastest of several runs of each size counts, on one processor core (or on your GPU). The exponents of the
# arithmetic come out: about 1 where tokens stay alone or in windows, about 2 where all meet all. On a CPU it is often
# a little over 2, so that less than a quarter of the pace is left: the scores outgrow the processor's caches. The
# block, 384 wide, crosses over at N = 6 · 384 = 2304, so its slope lies between. *The* exponent of a ViT does not
# exist: it drifts from 1 to 2 as the picture grows.

# %% [markdown] tags=["ta-note"]
# **TA, 9 minutes.** Vote on `predict_time`, then run it. The machine must do nothing else meanwhile.
# - **They get wrong:** c) and d) take time for pace: four times the tokens take four times as long at the same pace. a)
#   forgets that in full attention each token meets four times as many as before. A little over 100% in windows is
#   noise: look whether the slope's interval holds 1. If the intervals are wide, the machine is busy: run it again.
# - **Ask next:** On a GPU small pictures of very different size take equally long. Why? (Too little work to fill it:
#   time is set by starting kernels.)
# - **Run live:** `result = lesson.experiment("predict_time"…`, `figures.against_tokens(timings, "seconds")`: the pace
#   that is left; then the slopes, 1 where tokens stay alone and towards 2 where they meet.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 6 · Memory, and fused attention (11 min)
#
# Plain attention writes down all the weights before it uses them: one number for each head, query and key. **How much
# memory do the weights of one block take, in float32 (4 bytes a number), for one picture of 1024 x 1024 pixels with
# patches of 16 and 12 heads?** Leave the class token out. Give a unit, such as `"12 MB"`
# (1 MB is a million bytes).

# %% tags=["answer"] exercise="memory_of_weights"
### BEGIN SOLUTION
memory_of_weights = "805 MB"
### STUB
# memory_of_weights = ...  # in quotes, with its unit
### END SOLUTION

# %% tags=["check"] exercise="memory_of_weights"
lesson.check("memory_of_weights")

# %% [markdown]
# For comparison, q, k and v of that picture together take 38 MB. PyTorch's `F.scaled_dot_product_attention` is
# *fused*: it takes a few queries and a few keys at a time, and keeps running sums of the softmax's numerator and
# denominator. Is it the same function?

# %% tags=["compare"]
q, k, v = torch.randn(3, 1, 4, 300, 64, dtype=torch.float64)  # (B, heads, N, d) each
gap = (attention(q, k, v) - F.scaled_dot_product_attention(q, k, v)).abs().max().item()
print("fused attention equals plain attention to 1e-12:", gap < 1e-12)

# %% [markdown] slideshow={"slide_type": "slide"}
# Equal, so what is it good for? `peak_memory` adds up every allocation and release that PyTorch makes while a function
# runs, scratch space inside the fused kernel included, and returns the highest level in bytes.
#
# **Predict: at twice the resolution, how many tokens does a megabyte of working memory hold, compared with before?**
#
# - a) a quarter as many in both: fused attention makes the same products
# - b) a quarter as many in plain attention, as many as before in fused attention
# - c) as many as before in both

# %% tags=["predict"] exercise="predict_memory"
### BEGIN SOLUTION
predict_memory = "b"
### STUB
# predict_memory = ...  # "a", "b" or "c"
### END SOLUTION

# %%
kinds = {"plain attention": attention, "fused attention": F.scaled_dot_product_attention}
megabytes = {}


def room_left(name, seed):
    """Percent of the tokens per megabyte that are left at twice the resolution."""
    where = device if device.type == "cuda" else torch.device("cpu")
    megabytes[name] = {}
    for side in sides:
        q, k, v = torch.randn(3, 1, heads, side**2, 64, generator=torch.Generator().manual_seed(seed)).to(where)
        megabytes[name][side**2] = profiling.peak_memory(partial(kinds[name], q, k, v), where) / 1e6
    return profiling.kept_at_twice_the_resolution(profiling.power_law(megabytes[name]))


# %% tags=["experiment"]
result = lesson.experiment("predict_memory", {name: partial(room_left, name) for name in kinds})
result

# %% tags=["compare"]
print(result.conclusion)

# %% slideshow={"slide_type": "slide"}
figures.against_tokens(megabytes, "megabytes at the peak")

# %% [markdown] slideshow={"slide_type": "slide"}
# **What does fused attention save, then?**
#
# - a) operations: it leaves out keys that hardly count
# - b) memory: it never holds all $N^2$ weights at once
# - c) both operations and memory grow with $N$ only
# - d) neither: it is the same thing in one call

# %% tags=["answer"] exercise="fused_saves"
### BEGIN SOLUTION
fused_saves = "b"
### STUB
# fused_saves = ...  # a letter
### END SOLUTION

# %% tags=["check"] exercise="fused_saves"
lesson.check("fused_saves")

# %% [markdown]
# Plain attention holds scores and weights, two arrays of N x N numbers for each head, and its slope is exactly 2.
# Fused attention holds its result and some scratch space, which goes up in steps, so its points are uneven. The number
# of operations has not changed: every query still meets every key, and the time still grows with $N^2$ (with a smaller
# factor, since less memory moves). In training the gap is wider still: plain attention keeps the weights of every block
# until the backward pass.

# %% [markdown] tags=["ta-note"]
# **TA, not in the section.** The classic misunderstanding is "flash attention is linear". In memory, yes; in
# operations, no.
# - **They get wrong:** Answer c) of `fused_saves`. In `memory_of_weights` one head only, or 4 bytes a number forgotten.
# - **Ask next:** What becomes of the 805 MB in half precision? (Half.) And for a batch of 8? (8 times.)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 7 · Windows: the way out of N² (15 min)
#
# If it is too dear for every patch to meet every patch, let it meet its neighbours only. The grid of patches is cut
# into windows of $M$ x $M$ **patches**, and attention happens within each.

# %%
figures.windows(photo("chelsea"), patch_size=7, window=8, patch=(14, 21))

# %% [markdown]
# **How does the work of QK^T and AV grow now, with $N$, $M$ and $D$?**

# %% tags=["answer"] exercise="growth_windowed"
### BEGIN SOLUTION
growth_windowed = "N * M**2 * D"
### STUB
# growth_windowed = ...  # an expression in N, M and D, in quotes
### END SOLUTION

# %% tags=["check"] exercise="growth_windowed"
lesson.check("growth_windowed")

# %% [markdown]
# **Exercise.** `windowed_attention_flops(height, width, patch_size, dim, window)`: QK^T and AV in all windows of
# `window` x `window` patches, which tile the grid without overlap. By hand: 32 x 64 pixels with patches of 8 are 4 x 8
# patches, two windows of 4 x 4; with `dim` 10 each takes 4 · 16² · 10 = 10,240, together 20,480.


# %% tags=["exercise"] exercise="windowed_attention_flops"
def windowed_attention_flops(height, width, patch_size, dim, window):
    """FLOPs of QK^T and AV within windows of window x window patches; a multiply-add counts 2."""
    ### BEGIN SOLUTION
    windows = num_tokens(height, width, patch_size) // window**2
    return windows * 4 * (window**2) ** 2 * dim
    ### END SOLUTION


# %% tags=["check"] exercise="windowed_attention_flops"
lesson.check("windowed_attention_flops")

# %% [markdown]
# And PyTorch, counting the windowed attention that was timed above, on 16 x 24 patches:

# %%
q = torch.randn(1, heads, 16 * 24, dim // heads)  # (B, heads, N, d)
counted = profiling.count_flops(lambda: windowed_attention(q, q, q, (16, 24), window))
ours = lesson.piece("windowed_attention_flops")(16 * 16, 24 * 16, 16, dim, window)

# %% tags=["compare"]
print("same as FlopCounterMode:", counted == ours)

# %% [markdown]
# **How many times the work is windowed attention when both sides of the picture double** (and the window stays)?

# %% tags=["answer"] exercise="double_resolution_windowed"
### BEGIN SOLUTION
double_resolution_windowed = 4
### STUB
# double_resolution_windowed = ...  # a factor
### END SOLUTION

# %% tags=["check"] exercise="double_resolution_windowed"
lesson.check("double_resolution_windowed")

# %% [markdown] slideshow={"slide_type": "slide"}
# Four times the tokens, four times the work: each token costs what it did, as you measured in part 5. **What is the
# price?**
#
# - a) after one block, a token knows nothing of any patch outside its window
# - b) the model needs more parameters, one set for each window
# - c) the result of attention is only approximately the softmax
# - d) nothing: the windows together hold all patches

# %% tags=["answer"] exercise="price_of_windows"
### BEGIN SOLUTION
price_of_windows = "a"
### STUB
# price_of_windows = ...  # a letter
### END SOLUTION

# %% tags=["check"] exercise="price_of_windows"
lesson.check("price_of_windows")

# %% [markdown]
# Swin Transformers shift the windows by half a window in every other block, so that neighbours across a border meet.
# How far a token sees after several layers is the subject of lesson 04.
#
# **Last one, in your own words.** A colleague wants to run ViT-B/16 on satellite pictures of 4096 x 4096 pixels. In
# four or five sentences: what will happen (tokens, share of attention, memory of plain attention), what would you do,
# and what does your way out give up?

# %% [markdown] tags=["answer"] exercise="large_pictures"
# ### BEGIN SOLUTION
# There are 256 · 256 = 65,536 tokens, about 14 times 6 D = 4,608, so QK^T and AV are 93% of the FLOPs of each block;
# these two alone are (65,536 / 196)² = 112,000 times what they are at 224 pixels. Plain attention would need 12 ·
# 65,536² · 4 bytes, some 206 GB, for the weights of a single picture, so it cannot even start; fused attention removes
# the memory and none of the operations. To cut operations: attention in windows (tokens far apart meet only after many
# blocks, or in a few full-attention blocks), larger patches (P = 64 gives 4,096 tokens and loses fine detail), or
# cutting the picture into tiles (nothing is seen across tiles).
# ### STUB
# *Write your answer here.*
# ### END SOLUTION

# %% [markdown] tags=["ta-note"]
# **TA, not in the section.** Good answers to `large_pictures` name a number for each claim.
# - **They get wrong:** *side for area*: `window` taken for the number of patches in it (N M D). *one window only* in
#   place of all.
# - **Ask next:** With windows of 8 x 8 and 12 blocks without any shift, which patches can reach the class token? (Those
#   of its own window, which it would have to be given; Swin averages all tokens instead.)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 8 · Play (5 min) ★
#
# Drag the sides of the picture, the patch and the width, and watch where the FLOPs go. Start with the guided walk.
# Then: at which resolution does ViT-B/16 cost ten times what it does at 224? Is it the attention?

# %% tags=["explorer"]
explorer.explore(photo("chelsea"))

# %% [markdown] tags=["ta-note"]
# **TA, 5 minutes.** Let the room name a setting, then drag to it.
# - **They get wrong:** For ten times the cost they thank attention. It comes at about 630 pixels, and attention is a
#   quarter of the work there: most of the ten is simply eight times the tokens.
# - **Ask next:** In which setting does halving the patch cost almost exactly 4 times, and in which nearly 16? (Wide
#   model, small picture; narrow model, large picture.)
# - **Run live:** `explorer.explore(photo("chelsea"))`: the side of the picture first, then the patch; the bars show
#   where the FLOPs go.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What you can say now
#
# - Attention costs $O(N^2 D) = O(H^2 W^2 D / P^4)$: twice the resolution or half the patch is 16 times the work. The
#   rest of the block costs $O(N D^2)$, and attention overtakes it only at $N = 6 D$: 4% of ViT-B/16 at 224 pixels.
# - A FLOPs figure means nothing until one knows whether a multiply-add counts 2 (here, PyTorch) or 1 (model cards).
# - Fused attention saves the memory of $N^2$ weights and no operation; windows save the operations, at the price of
#   sight.
#
# **Further reading.** Dosovitskiy et al., [An Image is Worth 16x16 Words](https://arxiv.org/abs/2010.11929), ICLR
# 2021; Dao et al., [FlashAttention](https://arxiv.org/abs/2205.14135), 2022, on fused attention; Liu et al., [Swin
# Transformer](https://arxiv.org/abs/2103.14030), 2021, on windows; the figures beside ours are from [torchvision's
# model cards](https://docs.pytorch.org/vision/stable/models.html).

# %% [markdown] tags=["worksheet"]
# In attention every token meets every other. **What does that cost, and when does it matter?**
#
# ### `flops_of_product`
# A product of an (a, b) and a (b, c) matrix has ac numbers, each a sum of b products. A multiply-add counts 2.
#
# > 3 · 7 numbers, each with 5 multiplications and 5 additions: 2 · 3 · 5 · 7.
#
# ### `growth_in_tokens`
# Attention on N tokens of width D has two products, S = QKᵀ and AV; Q, K and V have the shape (N, D). Constant factors
# do not matter, and the making of Q, K and V does not count.
#
# > (N, D) times (D, N), then (N, N) times (N, D): N²D each, 4 N²D FLOPs together.
#
# ### `growth_in_pixels`
# > N = HW / P² as a whole gets squared: (HW / P²)² D.
#
# ### `double_resolution`
# > Four times the tokens, and attention grows with their square: 4². Half the patch size does the same.
#
# ### `growth_of_projections`
# In a block stand four linear layers too: `qkv` (from D to 3D), `proj` (D to D), `fc1` (D to 4D), `fc2` (4D to D).
#
# > (N, D) times (D, D): each token by itself meets a matrix of D x D.
#
# ### `crossing_tokens`
# Now the constant factors count. Work out the FLOPs of QKᵀ and AV together, then those of the four linear layers
# together.
#
# > QKᵀ and AV: 2 · 2 N²D = 4 N²D. The linear layers: 2 N (3 + 1 + 4 + 4) D² = 24 N D². They are equal at N = 6D =
# > 4,608.
#
# ### `predict_time`
# A part whose cost grows like Nᵏ keeps 4¹⁻ᵏ of its tokens a second when there are 4 times the tokens. In *windowed*
# attention a token meets only the 64 of its own window.
#
# > MLP and windows grow with N (k = 1), full attention with N² (k = 2). At this width, 384, the block crosses over at
# > N = 6D = 2,304, so it lies between. Answer c) takes time for pace.
