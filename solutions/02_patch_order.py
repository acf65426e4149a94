# %% [markdown] slideshow={"slide_type": "slide"}
# # 02 · Does the order of the patches matter?
#
# A picture has two dimensions, a sequence one: somebody has to decide which patch comes first. Part (b) of the
# discussion sheet asks whether that decision matters. After this lesson you can
#
# - shuffle a sequence, undo it, and walk through a grid of patches in five ways,
# - **prove** on paper, and measure to 15 digits, what a new order of the patches changes in a ViT,
# - say which models mind the order, how much, and why.
#
# {{contents}}
#
# Short of time? The parts marked ★ make up one section of at most 50 minutes; the others can wait.

# %% [markdown]
# Run this cell first (Shift+Enter). It shows what there is to do and how far you are.

# %% tags=["setup"]
from copy import deepcopy
from functools import cache

import torch
from torch import nn

from helpers.check import Lesson
from helpers.data import fashion_mnist
from helpers.explorers import patch_order as explorer
from helpers.figures import patch_order as figures
from helpers.figures.whole_model import whole_model
from helpers.models.attention import attention_weights
from helpers.models.checkpoints import load_vit
from helpers.models.cnn import SmallCNN
from helpers.models.order_matters import (
    causal_window,
    forget_positions,
    fresh_orders,
    local_vit,
    local_window,
    shuffle_patches,
    windowed_block,
)
from helpers.models.vit import EncoderBlock, ViT
from helpers.train import best_device, evaluate, fit

lesson = Lesson("02", globals())
lesson

# %% [markdown] slideshow={"slide_type": "slide"}
# Where in the model could an order matter? The patches come in some order, and the positions say where each belongs.

# %%
whole_model(["patches", "positions"], {"patches": "in some order", "positions": "which place is whose"})

# %% [markdown] tags=["ta-note"]
# **TA, opening.** Ask: a picture has two dimensions, a sequence has one, so who decides which patch comes first, and
# does it matter to a ViT? Take a vote, yes or no, and write the numbers on the board: they come back in part 10. At the
# picture of the model, one sentence for those who have not done lesson 01: each patch becomes a vector (a token), a
# class token joins them, each gets its position's vector added, blocks mix them, and the head reads the class token.
# The room opens the notebook and runs its first cell.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 1 · An order, and the way back (8 min) ★
#
# An **order** is a list of N places, each of 0 … N-1 once. Indexing with it shuffles: the k-th element of `x[order]` is
# `x[order[k]]`. Read it as *"place k is filled from place order[k]"*.
#
# **With `order = [2, 0, 1]` and x = [a, b, c], what is `x[order]`?**
#
# - a) [b, c, a]
# - b) [c, a, b]
# - c) [c, b, a]
# - d) [a, b, c]

# %% tags=["answer"] exercise="reads_order"
### BEGIN SOLUTION
reads_order = "b"
### STUB
# reads_order = ...  # "a", "b", "c" or "d"
### END SOLUTION

# %% tags=["check"] exercise="reads_order"
lesson.check("reads_order")

# %% [markdown]
# Here are garments with their 49 patches of 4 x 4 pixels in a random order. Every pixel is still there.

# %%
pictures = fashion_mnist("test", 6)
order = torch.randperm(49, generator=torch.Generator().manual_seed(0))
shuffled = shuffle_patches(pictures.images, 4, order)  # (B, C, H, W), patch k is the old patch order[k]
kinds_of_garment = [pictures.names[label] for label in pictures.labels]
figures.garments({"in order": pictures.images, "shuffled": shuffled}, kinds_of_garment)

# %% [markdown] slideshow={"slide_type": "slide"}
# **Exercise.** Write `inverse_permutation(order)`, the order that undoes another: for every x,
# `x[order][inverse_permutation(order)]` is x again. `order` is a `long` tensor (N,), and so is the result.
#
# By hand first: with `[2, 0, 1]`, element 0 ended up in place 1, element 1 in place 2, element 2 in place 0.


# %% tags=["exercise"] exercise="inverse_permutation"
def inverse_permutation(order):
    """The order that undoes `order`: long (N,) -> long (N,)."""
    ### BEGIN SOLUTION
    inverse = torch.empty_like(order)
    inverse[order] = torch.arange(len(order))
    return inverse
    ### END SOLUTION


# %% tags=["check"] exercise="inverse_permutation"
lesson.check("inverse_permutation")

# %% [markdown]
# The proof is in the picture: shuffle, then shuffle with the inverse.

# %%
back = lesson.piece("inverse_permutation")(order)
unshuffled = shuffle_patches(shuffled, 4, back)
figures.garments({"shuffled": shuffled, "and back": unshuffled}, kinds_of_garment)

# %% [markdown] tags=["ta-note"]
# **TA, 8 minutes.** The room answers `reads_order` by hand signs: place 0 is filled from place 2, so c comes first.
# Then it writes `inverse_permutation` in pairs. After three and a half minutes show the solution, whoever is done, and
# write `torch.argsort(order)` beside it: the same in one line.
# - **They get wrong:** *the order itself*: nearly everybody returns it once (`arange(N)[order]`, or two argsorts). It
#   passes by luck on orders that only swap pairs, so test on a cycle of three, [2, 0, 1].
# - **Ask next:** `argsort` is a fine answer: why does sorting give the inverse? (It asks for each number where it
#   stands, and that is the way back.) What is the inverse of turning a list round? (Itself.)
# - **Run live:** `back = lesson.piece("inverse_permutation")(order)`: the shuffled garments, whole again.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 2 · Five ways through a grid (25 min)
#
# Patches are numbered {{sequence_words}}, from the top left. A **scan** says in which order they are visited:
#
# - `"raster"`: row by row, each from left to right
# - `"column"`: column by column, each from top to bottom
# - `"snake"`: row by row, rows 0, 2, 4, … from left to right, rows 1, 3, 5, … from right to left
# - `"spiral"`: from the top left along the top row, then clockwise inwards
# - `"hilbert"`: the Hilbert curve, from the top left to the top right, through the four quarters of a square:
#   top left, bottom left, bottom right, top right

# %%
scan = lesson.piece("scan_order")
kinds = ("raster", "column", "snake", "spiral", "hilbert")
figures.walks(8, 8, {kind: scan(8, 8, kind) for kind in kinds})

# %% [markdown]
# Snake, spiral and Hilbert curve never jump; the Hilbert curve also stays in one corner for long before it moves on.

# %% [markdown]
# The Hilbert curve is built from itself. On a square of side 2 it goes down, right, up. On a square of side 2h, each
# quarter holds the curve of side h: the first one mirrored on the main diagonal (row and column swapped), the second
# and third as they are, the last one mirrored on the other diagonal. On a grid that is no power-of-two square, take the
# smallest such square around it and leave out the cells outside.

# %% [markdown] slideshow={"slide_type": "slide"}
# **Exercise.** Write `scan_order(rows, cols, kind)`: a `long` tensor (rows*cols,) whose k-th entry is **the number of
# the k-th patch visited** (numbers {{sequence_words}}), for any rows and cols from 1 on. For 3 rows and 3 columns,
# numbered {{sequence_words}}:
#
#     0 1 2     column: 0 3 6 1 4 7 2 5 8      snake:   0 1 2 5 4 3 6 7 8  ### sequence: row-major
#     3 4 5     spiral: 0 1 2 5 8 7 6 3 4      hilbert: 0 1 4 3 6 7 8 5 2  ### sequence: row-major
#     6 7 8  ### sequence: row-major
#     0 3 6     column: 0 1 2 3 4 5 6 7 8      snake:   0 3 6 7 4 1 2 5 8  ### sequence: column-major
#     1 4 7     spiral: 0 3 6 7 8 5 2 1 4      hilbert: 0 3 4 1 2 5 8 7 6  ### sequence: column-major
#     2 5 8  ### sequence: column-major
#
# For any other kind it should raise a `ValueError`.


# %% tags=["exercise"] exercise="scan_order"
def scan_order(rows, cols, kind):
    """The number of the k-th patch visited: long (rows*cols,)."""
    ### BEGIN SOLUTION
    if kind == "raster":
        walk = [(row, col) for row in range(rows) for col in range(cols)]
    elif kind == "column":
        walk = [(row, col) for col in range(cols) for row in range(rows)]
    elif kind == "snake":
        walk = [(row, cols - 1 - col if row % 2 else col) for row in range(rows) for col in range(cols)]
    elif kind == "spiral":
        walk, left = [], [[(row, col) for col in range(cols)] for row in range(rows)]
        while left:
            walk += left.pop(0)  # the top row,
            left = list(zip(*left, strict=True))[::-1]  # and what is left, turned by a quarter
    elif kind == "hilbert":
        square = [(0, 0)]
        half = 1
        while half < max(rows, cols):
            square = (
                [(col, row) for row, col in square]
                + [(row + half, col) for row, col in square]
                + [(row + half, col + half) for row, col in square]
                + [(half - 1 - col, 2 * half - 1 - row) for row, col in square]
            )
            half *= 2
        walk = [(row, col) for row, col in square if row < rows and col < cols]
    else:
        raise ValueError(f"There is no scan {kind!r}.")
    return torch.tensor([row * cols + col for row, col in walk])  ### sequence: row-major
    return torch.tensor([col * rows + row for row, col in walk])  ### sequence: column-major
    ### END SOLUTION


# %% tags=["check"] exercise="scan_order"
lesson.check("scan_order")

# %% [markdown]
# Where the sides are no power of two, cells are left out and the Hilbert curve may have to jump; the others never do,
# except column and raster at the end of each line.

# %%
scan = lesson.piece("scan_order")
figures.walks(5, 7, {kind: scan(5, 7, kind) for kind in kinds})

# %% [markdown] tags=["ta-note"]
# **TA, not in the section.** Best as homework. Where there is time, do raster, column and snake, and let the course's
# piece do the rest.
# - **They get wrong:** *column: reshaped before it was transposed*: `reshape(cols, rows)` where a transpose is needed.
#   *when instead of which*: the inverse order; raster and snake look right all the same, so it goes unnoticed. *spiral:
#   the last line walked twice*. *hilbert: mirrored*.
# - **Ask next:** Which two of the five are their own inverse on every grid? (Raster and snake.)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 3 · How much does an encoder mind? (8 min) ★
#
# Feed an encoder shuffled tokens. If it does not mind, its outputs come out **shuffled in the same way** and otherwise
# unchanged: it is *permutation-equivariant*. The two ways around this square then end in the same place:
#
#     tokens ────── encode ─────▶ outputs
#       │ shuffle                   │ shuffle
#       ▼                           ▼
#     shuffled ──── encode ─────▶ the same?
#
# **Exercise.** Write `permutation_gap(encoder, tokens, order)`, the **largest absolute difference** between the two
# ways: a number. `encoder` is a callable (B, N, D) -> (B, N, E), `tokens` is (B, N, D), `order` is `long` (N,).


# %% tags=["exercise"] exercise="permutation_gap"
def permutation_gap(encoder, tokens, order):
    """max |encoder(tokens[:, order]) - encoder(tokens)[:, order]|, a number."""
    ### BEGIN SOLUTION
    with torch.no_grad():
        difference = encoder(tokens[:, order]) - encoder(tokens)[:, order]  # (B, N, E)
    return difference.abs().max().item()
    ### END SOLUTION


# %% tags=["check"] exercise="permutation_gap"
lesson.check("permutation_gap")

# %% [markdown]
# Now measure, in float64 so that rounding stays small: one encoder block with random weights, and the three blocks of
# a ViT trained on Fashion-MNIST. The tokens are real ones, with positions added.

# %%
vit = load_vit().double()
tokens = vit.stages(pictures.images.double())["with_positions"]  # (B, 1+N, D)
random_encoder = EncoderBlock(48, 4).double()
trained_encoder = nn.Sequential(*vit.blocks, vit.norm)

# %%
gap = lesson.piece("permutation_gap")
some_order = torch.randperm(50, generator=torch.Generator().manual_seed(1))  # class token and 49 patches
exact = {name: gap(encoder, tokens, some_order) for name, encoder in
         {"random weights": random_encoder, "trained weights": trained_encoder}.items()}  # fmt: skip
figures.gaps(exact, "Permutation gap")

# %% tags=["compare"]
for name, value in exact.items():
    print(f"{name}: the order {'does not matter' if value < 1e-9 else 'MATTERS'}")

# %% [markdown]
# Some 1e-15: what is left is the rounding of sums added up in another order. Training changes nothing about it, so
# the reason must lie in the *form* of the encoder. Which is the next part.

# %% [markdown] tags=["ta-note"]
# **TA, 6 minutes.** Go both ways round the square with a finger, and let the room say which two outputs to compare
# before you turn the page: the next slide says it. Nobody types `permutation_gap` now: read its three lines aloud.
# - **They get wrong:** *compared with the output left in place*: that asks for invariance where equivariance is meant.
#   *pictures shuffled instead of tokens*: `tokens[order]` gives 0 for every encoder. *the mean instead of the largest*
#   hides one bad token.
# - **Ask next:** Which layers have a gap of exactly 0? (Those that work on one token at a time, such as LayerNorm and
#   the MLP: no sum over tokens, nothing to round.)
# - **Run live:** `gap = lesson.piece("permutation_gap")`: both bars stand at about 1e-15: rounding, trained or not.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 4 · Why: four steps on paper (14 min) ★
#
# Write the tokens as a matrix X, one row each, and the shuffle as a permutation matrix P: P X has the same rows in
# another order, and P^T P = 1. Attention makes queries, keys and values row by row, so shuffled tokens have
# P Q, P K and P V.
#
# Step 1 asks for the scores. **What becomes of S = Q K^T?**
#
# - a) S is the same
# - b) only the rows of S are shuffled: P S
# - c) rows and columns of S are shuffled alike: P S P^T
# - d) only the columns of S are shuffled: S P^T

# %% tags=["answer"] exercise="permuted_scores"
### BEGIN SOLUTION
permuted_scores = "c"
### STUB
# permuted_scores = ...  # "a", "b", "c" or "d"
### END SOLUTION

# %% tags=["check"] exercise="permuted_scores"
lesson.check("permuted_scores")

# %% [markdown]
# See it on six tokens: who looks at whom stays, only the seats change.

# %%
x = torch.randn(6, 8, generator=torch.Generator().manual_seed(3), dtype=torch.float64)  # (N, D)
seats = torch.tensor([3, 0, 5, 1, 4, 2])
weights = torch.stack([attention_weights(x, x), attention_weights(x[seats], x[seats])])  # (2, N, N)
figures.attention_in_two_orders(weights, seats)

# %% [markdown] slideshow={"slide_type": "slide"}
# Step 2. **So what is A(P X), attention's output: the weights times the values?**
#
# - a) A(X): the output does not move
# - b) P A(X): the same outputs, moved along with their tokens
# - c) P A(X) P^T: tokens and features are both moved
# - d) something else: each token meets the others in another order

# %% tags=["answer"] exercise="permuted_attention"
### BEGIN SOLUTION
permuted_attention = "b"
### STUB
# permuted_attention = ...  # "a", "b", "c" or "d"
### END SOLUTION

# %% tags=["check"] exercise="permuted_attention"
lesson.check("permuted_attention")

# %% [markdown] slideshow={"slide_type": "slide"}
# Step 3. **Attention moves along. What about the rest: where in a ViT's block do tokens meet each other at all?**
#
# - a) in attention, LayerNorm and the MLP
# - b) in attention and LayerNorm
# - c) in attention and the MLP
# - d) in attention only

# %% tags=["answer"] exercise="tokens_that_mix"
### BEGIN SOLUTION
tokens_that_mix = "d"
### STUB
# tokens_that_mix = ...  # "a", "b", "c" or "d"
### END SOLUTION

# %% tags=["check"] exercise="tokens_that_mix"
lesson.check("tokens_that_mix")

# %% [markdown] slideshow={"slide_type": "slide"}
# Step 4. **The head reads the class token, which stays {{class_token_words}} while the patches, with their positions,
# are shuffled. What happens to the logits?**
#
# - a) the logits move along with the patches
# - b) the logits stay exactly as they were
# - c) the logits change a little, since the class token now meets other neighbours

# %% tags=["answer"] exercise="class_token_reads"
### BEGIN SOLUTION
class_token_reads = "b"
### STUB
# class_token_reads = ...  # "a", "b" or "c"
### END SOLUTION

# %% tags=["check"] exercise="class_token_reads"
lesson.check("class_token_reads")

# %% [markdown] slideshow={"slide_type": "slide"}
# And the fine print. **The encoder's input is patch + position, X + E. Shuffle the patches *before* the positions are
# added, and leave the table E as it is: P X + E. What happens?**
#
# - a) nothing: attention does not mind any permutation
# - b) the model sees another picture: every patch claims a place where it was not
# - c) the model sees no positions at all
# - d) the outputs move along with the patches, nothing else

# %% tags=["answer"] exercise="positions_left_behind"
### BEGIN SOLUTION
positions_left_behind = "b"
### STUB
# positions_left_behind = ...  # "a", "b", "c" or "d"
### END SOLUTION

# %% tags=["check"] exercise="positions_left_behind"
lesson.check("positions_left_behind")

# %% [markdown] tags=["ta-note"]
# **TA, 14 minutes.** One minute for P: write it for [2, 0, 1] on the board. Then under three minutes a step: a vote,
# the right answer, its reason. Steps 1, 2 and the fine print stand on the worksheet: a minute and a half with the
# pencil before each of these votes. The reasons, for the board: (1) (P Q)(P K)^T = P Q K^T P^T = P S P^T. (2) Softmax
# divides each row's exponentials by their sum, whatever their order, so the weights become P W P^T, and (P W P^T)(P V)
# = P W V. (3) LayerNorm and the MLP see one token at a time. (4) The class token is one query over the same set of keys
# and values, and the head reads nothing else. Fine print: P X + E = P (X + P^T E), the old patches with positions of
# other places.
# - **They get wrong:** They say invariant (stays) for equivariant (moves along); step 4 is where one becomes the other.
#   In `tokens_that_mix` LayerNorm is the trap: it looks at one token alone; BatchNorm would mix. In
#   `positions_left_behind` many take a): nothing happens.
# - **Ask next:** Does any of it need the softmax? (No: any function that treats all entries of a row alike
#   will do. A running sum along the row will not: it minds their order.)
# - **Run live:** nothing: on the slide after step 1, follow the brightest entry from the left matrix to the middle one.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 5 · Twins: the same training, step by step (7 min)
#
# So a finished model does not mind. But would it have *learned* the same from shuffled patches? Take a ViT and a twin.
# The twin gets every picture with its patches in another order. **What has to be shuffled in the twin's initial weights
# so that the two agree at every step of training?**
#
# - a) nothing: training will sort it out
# - b) the rows of the position table that belong to patches
# - c) every weight of the model
# - d) the rows of the position table and the columns of the patch embedding

# %% tags=["answer"] exercise="twin_start"
### BEGIN SOLUTION
twin_start = "b"
### STUB
# twin_start = ...  # "a", "b", "c" or "d"
### END SOLUTION

# %% tags=["check"] exercise="twin_start"
lesson.check("twin_start")

# %% [markdown]
# Then let us do just that: 20 steps with AdamW, in float64, for each of the five scans and a random order.

# %%
few = fashion_mnist("train", 640)
torch.manual_seed(0)
original = ViT(28, 4, 1, 10, dim=32, depth=2, heads=4).double()


# %%
def train_twin(order):
    """Train a twin of `original` on pictures shuffled by `order`: its 20 losses and its logits afterwards."""
    twin = deepcopy(original)
    with torch.no_grad():
        twin.pos_embed[:, 1:] = original.pos_embed[:, 1:][:, order]  # row 0 belongs to the class token
    images = shuffle_patches(few.images.double(), 4, order)
    history = fit(twin, images, few.labels, epochs=1, batch_size=32, device="cpu", progress=False)
    with torch.no_grad():
        return history.loss, twin(images)  # 20 numbers, (B, 10)


# %%
orders = {kind: scan(7, 7, kind) for kind in kinds} | {"random": order}
runs = {name: train_twin(order) for name, order in orders.items()}
figures.twin_runs({name: losses for name, (losses, _) in runs.items()})

# %% tags=["compare"]
raster_losses, raster_logits = runs["raster"]
for name, (losses, logits) in runs.items():
    apart = max(abs(a - b) for a, b in zip(losses, raster_losses, strict=True))
    agree = apart < 1e-9 and (logits - raster_logits).abs().max() < 1e-9
    print(f"{name}: {len(losses)} losses and all logits {'agree to 1e-9' if agree else 'DIFFER'}")

# %% [markdown]
# All 20 losses, to the last digits of float64. The gradient of a shuffled table is the shuffled gradient,
# and AdamW treats each entry by itself, so the twins stay twins for ever. A fixed order of the patches only **renames
# the rows of the position table**.

# %% [markdown] tags=["ta-note"]
# **TA, not in the section.** Homework, and a good still: the lines of all twins lie on one another.
# - **They get wrong:** In `twin_start` d) is tempting. But the columns of the patch embedding belong to pixels within a
#   patch, and these did not move. A shuffle within every patch, the same for all, would be undone there; a shuffle of
#   all 784 pixels by nothing.
# - **Ask next:** Which optimiser would break the twins? (One for which the row of the table counts: another learning
#   rate for each row, or noise that is drawn row by row from the same seed.)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 6 · A ViT and a CNN on shuffled pictures (9 min) ★
#
# In practice nobody shuffles the table along: positions are drawn at random and learned. Does training make up for
# that? One order for all pictures, 4,000 pictures (12,000 on a GPU), 3 epochs.

# %%
on_gpu = best_device().type != "cpu"
train, test = fashion_mnist("train", 12_000 if on_gpu else 4_000), fashion_mnist("test")


def one_order(seed):
    """A random order of the 49 patches, the same for all pictures."""
    return torch.randperm(49, generator=torch.Generator().manual_seed(1000 + seed))


# %%
def accuracy(model, order, seed, epochs=3, **options):
    """Test accuracy in percent after a short training on pictures whose patches stand in `order`."""
    images = shuffle_patches(train.images, 4, order)
    fit(model, images, train.labels, epochs=epochs, seed=seed, **options)
    return evaluate(model, shuffle_patches(test.images, 4, order), test.labels)


@cache
def vit_accuracy(order_name, seed):
    """Of a ViT with 49 tokens of width 64 and 2 blocks; each run is made once and kept for part 7."""
    torch.manual_seed(seed)
    order = torch.arange(49) if order_name == "raster" else one_order(seed)
    return accuracy(ViT(28, 4, 1, 10, dim=64, depth=2, heads=4), order, seed, batch_size=32, lr=2e-3)


# %% [markdown]
# **Predict: on patches in one random order, the same for every picture, in training and test, the ViT's accuracy is**
#
# - a) clearly lower than in raster order
# - b) the same within the spread of seeds
# - c) clearly higher

# %% tags=["predict"] exercise="predict_shuffled_vit"
### BEGIN SOLUTION
predict_shuffled_vit = "b"
### STUB
# predict_shuffled_vit = ...  # "a", "b" or "c"
### END SOLUTION

# %% tags=["experiment"]
vit_result = lesson.experiment(
    "predict_shuffled_vit",
    {"ViT, raster": lambda seed: vit_accuracy("raster", seed), "ViT, shuffled": lambda seed: vit_accuracy("one", seed)},
)
vit_result

# %% tags=["compare"]
print(vit_result.conclusion)

# %% [markdown]
# Another order only gives the rows of the position table other names. They start as random numbers, so shuffled patches
# start from other random numbers, and learn as well: no difference *beyond the luck of the seed*.

# %% [markdown] slideshow={"slide_type": "slide"}
# **And a CNN of three 3x3 convolutions, on the same shuffled pictures?**
#
# - a) clearly lower than on pictures in order
# - b) the same within the spread of seeds
# - c) clearly higher than on pictures in order

# %% tags=["predict"] exercise="predict_shuffled_cnn"
### BEGIN SOLUTION
predict_shuffled_cnn = "a"
### STUB
# predict_shuffled_cnn = ...  # "a", "b" or "c"
### END SOLUTION


# %%
def cnn_accuracy(order, seed, batch_norm):
    torch.manual_seed(seed)
    cnn = SmallCNN(channels=1, num_classes=10, width=16, batch_norm=batch_norm)
    return accuracy(cnn, order, seed, batch_size=32, lr=3e-3)


# %% tags=["experiment"]
cnn_result = lesson.experiment(
    "predict_shuffled_cnn",
    {
        "CNN, raster": lambda seed: cnn_accuracy(torch.arange(49), seed, batch_norm=False),
        "CNN, shuffled": lambda seed: cnn_accuracy(one_order(seed), seed, batch_norm=False),
        "CNN with batch norm, raster": lambda seed: cnn_accuracy(torch.arange(49), seed, batch_norm=True),
        "CNN with batch norm, shuffled": lambda seed: cnn_accuracy(one_order(seed), seed, batch_norm=True),
    },
)
cnn_result

# %% tags=["compare"]
print(cnn_result.conclusion)

# %% [markdown]
# A convolution takes neighbours *in the picture that it is given* to be neighbours. After the shuffle that still holds
# inside each patch, and no longer across its borders: the plain CNN loses clearly. With batch normalisation it trains
# faster in either order and loses much less: compare the two lower rows. How much the order costs depends on the
# network and its training; that it costs anything at all is what sets the CNN apart. A ViT believes nothing about
# places: it has to learn all of it, in either order.

# %% [markdown] tags=["ta-note"]
# **TA, 9 minutes.** A cross on the worksheet, a show of hands, then start the run: twice. While it runs, ask one of
# each side for a reason. Where it takes over half a minute, go on with the slide. What ± says: the standard deviation
# over five seeds. The plain CNN swings most: from seed to seed the order costs it 3 to 15 points.
# - **They get wrong:** They expect the CNN to fall to chance, 10%. It does not: within each patch of 4 x 4 its filters
#   still see strokes and textures, and the mean over the picture at its end never cared where.
# - **Ask next:** Would the drop be larger or smaller with patches of 2 x 2? (Larger, by the same reasoning: fewer
#   neighbours stay together.) And of 14 x 14? (Smaller: four large pieces stay whole.)
# - **Run live:** `vit_result = lesson.experiment(…`, `cnn_result = lesson.experiment(…`: in each table compare raster
#   and shuffled; in the second also with batch norm, which loses much less.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 7 · A new order for every picture (8 min)
#
# One fixed order only renames rows. Now give **every picture an order of its own**, a new one each time it is seen, and
# leave the positions where they are: position 5 then means nothing at all.

# %%
own_orders = fresh_orders(6, 49, torch.Generator().manual_seed(4))  # (B, N)
lines = {
    "one order": shuffled,
    "each its own": shuffle_patches(pictures.images, 4, own_orders),
}
figures.garments(lines, kinds_of_garment)

# %% [markdown]
# The best that a model can do is to ignore the positions. **What can a ViT without positions see in a picture?**
#
# - a) nothing: it always names the most common class
# - b) which patches there are, and how often, not where
# - c) everything: attention finds out where patches belong
# - d) which patches are neighbours, not where they are

# %% tags=["answer"] exercise="no_positions_sees"
### BEGIN SOLUTION
no_positions_sees = "b"
### STUB
# no_positions_sees = ...  # "a", "b", "c" or "d"
### END SOLUTION

# %% tags=["check"] exercise="no_positions_sees"
lesson.check("no_positions_sees")

# %% [markdown]
# A bag of patches, as one says a bag of words. **Predict: with a new order for each picture, the ViT's accuracy**
#
# - a) stays the same: no order mattered so far
# - b) falls to about that of a ViT without positions
# - c) falls to chance (10%)

# %% tags=["predict"] exercise="predict_fresh_order"
### BEGIN SOLUTION
predict_fresh_order = "b"
### STUB
# predict_fresh_order = ...  # "a", "b" or "c"
### END SOLUTION


# %%
def shuffle_each(images, generator):
    """Every picture of a batch in a new order of its own."""
    return shuffle_patches(images, 4, fresh_orders(len(images), 49, generator))


def fresh_accuracy(seed):
    torch.manual_seed(seed)
    model = ViT(28, 4, 1, 10, dim=64, depth=2, heads=4)
    fit(model, train.images, train.labels, epochs=3, seed=seed, batch_size=32, lr=2e-3, augment=shuffle_each)
    return evaluate(model, shuffle_each(test.images, torch.Generator().manual_seed(seed)), test.labels)


def bag_accuracy(seed):
    torch.manual_seed(seed)
    model = forget_positions(ViT(28, 4, 1, 10, dim=64, depth=2, heads=4))
    return accuracy(model, torch.arange(49), seed, batch_size=32, lr=2e-3)


# %% tags=["experiment"]
fresh_result = lesson.experiment(
    "predict_fresh_order",
    {
        "ViT, one order": lambda seed: vit_accuracy("one", seed),  # from part 6
        "ViT, new order each time": fresh_accuracy,
        "ViT, no positions": bag_accuracy,
    },
)
fresh_result

# %% tags=["compare"]
print(fresh_result.conclusion)

# %% [markdown]
# Far above chance, though: what a garment's patches look like says much about it, and where they sit says the rest. The
# ViT with meaningless positions ends no better than the one without any: all that it can learn is to ignore them.
# Order does not matter; **knowing where** does.

# %% [markdown] tags=["ta-note"]
# **TA, not in the section.** The part to dwell on at home: "order does not matter" and "a new order each time hurts"
# are both true. What counts is whether a position means the same place in every picture.
# - **They get wrong:** In `no_positions_sees` they take c) or d): attention will find out where patches belong. In a
#   shuffled picture not one number changes, so nothing can tell.
# - **Ask next:** Could a ViT solve jigsaw puzzles, that is, say each patch's place from a fresh shuffle without
#   positions? (Yes, that is a task one can train; lesson 05.)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 8 · Attention that does not look everywhere (9 min)
#
# Full attention costs N² scores, so models for long sequences look less far. In **causal** attention a token looks at
# itself and at those before it; in **local** attention, at a few on either side. **Patches are shuffled and their
# positions go along: who still minds the order?**
#
# - a) nobody: the positions say everything that there is to say
# - b) causal attention only
# - c) local attention only
# - d) causal and local attention

# %% tags=["answer"] exercise="which_attention_minds"
### BEGIN SOLUTION
which_attention_minds = "d"
### STUB
# which_attention_minds = ...  # "a", "b", "c" or "d"
### END SOLUTION

# %% tags=["check"] exercise="which_attention_minds"
lesson.check("which_attention_minds")

# %% [markdown]
# Your `permutation_gap` is the judge: five encoders on the same 50 tokens.

# %%
block, table = EncoderBlock(48, 4).double(), 0.5 * torch.randn(1, 50, 48, dtype=torch.float64)
convolution = nn.Conv1d(48, 48, kernel_size=3, padding=1).double()
encoders = {
    "full attention": block,
    "full attention, positions left behind": lambda x: block(x + table),  # added by place, after the shuffle
    "causal attention": windowed_block(48, 4, causal_window(50)).double(),
    "local attention, 2 either side": windowed_block(48, 4, local_window(50, reach=2)).double(),
    "convolution along the sequence": lambda x: convolution(x.mT).mT,  # (B, N, D) -> (B, D, N) and back
}

# %%
minds = {name: gap(encoder, tokens, some_order) for name, encoder in encoders.items()}
figures.gaps(minds, "Permutation gap")

# %% tags=["compare"]
for name, value in minds.items():
    print(f"{name}: the order {'does not matter' if value < 1e-9 else 'matters'}")

# %% [markdown] slideshow={"slide_type": "slide"}
# That the outputs depend on the order does not say by how much the *accuracy* does. Take a ViT whose patch tokens look
# only two places either way along the sequence, while its class token looks everywhere. **Over five seeds, with
# shuffled patches (one order for all, positions learned) its accuracy is**
#
# - a) lower by 10 points or more, as its neighbourhoods are destroyed
# - b) a few points lower in most runs, not in all
# - c) the same: its positions are learned, after all

# %% tags=["predict"] exercise="predict_local"
### BEGIN SOLUTION
predict_local = "b"
### STUB
# predict_local = ...  # "a", "b" or "c"
### END SOLUTION


# %%
def local_accuracy(order, seed):
    torch.manual_seed(seed)
    return accuracy(local_vit(28, 4, 1, 10, dim=64, depth=2, heads=4, reach=2), order, seed, batch_size=32, lr=2e-3)


# %% tags=["experiment"]
local_result = lesson.experiment(
    "predict_local",
    {
        "local, raster": lambda seed: local_accuracy(torch.arange(49), seed),
        "local, shuffled": lambda seed: local_accuracy(one_order(seed), seed),
    },
)
local_result

# %% tags=["compare"]
print(local_result.conclusion)

# %% [markdown]
# One run may show a gap of a few points or hardly any; the shipped seeds together show one. Order matters to local
# attention, and on sequences of only 49 patches it matters little. Compare with the table of part 6, too: local
# attention does better than full attention here. To look at neighbours first is a good guess about pictures, just as a
# convolution's is.

# %% [markdown] slideshow={"slide_type": "slide"}
# What the literature says: **REOrder** (Kutscher et al., 2025, [arXiv 2505.23751](https://arxiv.org/abs/2505.23751))
# tried orders on models for long sequences and even *learned* one.
#
# | model | change of order | accuracy |
# |:---|:---|:---|
# | full self-attention (ViT) | any | no change: it does not mind |
# | models for long sequences | the best order found, ImageNet-1K | up to +3.01 points |
# | models for long sequences | the best order found, Functional Map of the World | up to +13.35 points |
# | Transformer-XL, ImageNet-1K | column instead of raster | nearly +2 points |
# | Transformer-XL, ImageNet-1K | spiral instead of raster | over -6 points |
#
# Satellite pictures gain most. In lesson 09 you meet the other case where order counts: a model that generates patches
# one by one.

# %% [markdown]
# All accuracies of this lesson at a glance (dots: this run, bars: several seeds):

# %%
figures.accuracies([vit_result, cnn_result, fresh_result, local_result])

# %% [markdown] tags=["ta-note"]
# **TA, not in the section.** The algebra in one line: P S P^T + M is a reordering of S + M only where P M P^T = M.
# Three masks stay the same under every P: look at all tokens, at yourself only, at all others.
# - **They get wrong:** In `which_attention_minds` a): since the positions go along. Who may look at whom is decided by
#   the place in the sequence, and that mask stays behind.
# - **Ask next:** Which order would you choose for local attention on pictures? (One that keeps neighbours near: snake
#   or Hilbert; try it.)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 9 · Drag it (5 min) ★
#
# A trained ViT and one picture. Choose an order, let the positions go along or stay behind, and watch the sequence
# fill, the attention matrix change seats and the prediction. **Find an order that, with positions left behind, makes
# the model name another garment.**

# %% tags=["explorer"]
explorer.explore(load_vit(), pictures.images[0], pictures.names)

# %% [markdown] tags=["ta-note"]
# **TA, 4 minutes.** The explorer is live on the slide. Press "Explore freely": there is no time for the guided walk.
# With positions going along, click through all orders: the bars never move. Then leave them behind, and read the
# largest bar aloud after each click.
# - **They get wrong:** They think that the explorer is stuck while the bars stand still. That is the result. And the
#   model says shirt for this T-shirt in raster order too: it errs on one garment in seven, the order is not to blame.
# - **Ask next:** Which order does least harm with positions left behind, and why? (Snake: it leaves every second row in
#   place.)
# - **Run live:** `explorer.explore(load_vit(), …`: or on its slide. From order to order, with the tick, then without.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 10 · Answer the sheet (6 min) ★
#
# Now answer part (b) in your own words, for a classmate who has not done this lesson: does it matter in which order the
# patches are flattened into a sequence? Say **why** (three sentences), and name **two** cases in which it does
# matter, each with its reason. A person reads this one.

# %% [markdown] tags=["answer"] exercise="why_order_is_free"
# ### BEGIN SOLUTION
# For a ViT it does not matter, as long as one order is used for all pictures, so that each position goes with its
# place. Attention is permutation-equivariant (scores P S P^T, output P A(X)), and LayerNorm and MLP act on one token at
# a time, so shuffled inputs give shuffled outputs, and the class token, which reads a weighted sum over all tokens,
# gives the same logits. With learned positions another order only renames the rows of the table, at the start and after
# every training step. It matters when the positions stay behind or every picture has its own order (a position no
# longer means a place: what is left is a bag of patches), and when a mask is tied to places in the sequence, as in
# causal or local attention (P M P^T is not M). A CNN on shuffled pictures loses too, since its neighbours are no
# neighbours any more.
# ### END SOLUTION

# %% [markdown] tags=["ta-note"]
# **TA, 4 minutes.** One sentence for why, two cases for when it matters, from three people. Then show the solved
# `why_order_is_free`: a minute to read it in silence. Its cases of a new order for each picture and of causal or
# local attention are parts 7 and 8, for home. Go back to the vote on the board.
# - **They get wrong:** They give the result ("it does not matter") without its condition: the position has to go along,
#   or be learned for one order. Of the two cases the second is often the first in other words.
# - **Ask next:** Your neighbour says that the order never matters. Which picture of today proves them wrong? (The CNN
#   on shuffled patches, or the explorer with positions left behind.)
# - **Run live:** nothing: the sheet's question is answered aloud.

# %% [markdown] slideshow={"slide_type": "slide"}
# **What you can say now.**
#
# - With positions going along, the order of patches changes *nothing*: exactly (1e-15), and through training (twins).
# - What a ViT knows about places sits in its position table; what a CNN knows sits in its architecture.
# - Order matters as soon as something is tied to the place in the *sequence*: positions left behind, a causal or local
#   window, a convolution.
#
# **Read on.** [ViT](https://arxiv.org/abs/2010.11929), section 3.1 and appendix D.4 (positions or none) ·
# [REOrder](https://arxiv.org/abs/2505.23751) (orders for long-sequence models) ·
# [Attention Is All You Need](https://arxiv.org/abs/1706.03762), section 3.5 (why positions are needed at all).

# %% [markdown] tags=["worksheet"]
# A ViT gets the patches of a picture as a sequence. **Does it matter in which order?**
#
# ### `permuted_scores`
# Let X hold the tokens, one in a row, and let P be a permutation matrix: P X has the same rows in another order, and
# PᵀP = 1. Attention makes Q, K, V row by row, so tokens P X have P Q, P K, P V.
#
# > (P Q)(P K)ᵀ = P Q Kᵀ Pᵀ = P S Pᵀ: queries are rows, keys are columns.
#
# ### `permuted_attention`
# > Softmax divides each row's exponentials by their sum, whatever their order, so the weights W become P W Pᵀ, and
# > (P W Pᵀ)(P V) = P W V since PᵀP = 1.
#
# ### `positions_left_behind`
# > P X + E = P (X + PᵀE): the old patches, each with the position of another place. That is another picture.
#
# ### `predict_shuffled_vit`
# Ten kinds of garments, patches of 4 x 4 pixels, positions are learned. Raster order is row by row.
#
# > With learned positions another order only renames the rows of the table, at the start and after every step.
#
# ### `predict_shuffled_cnn`
# > Its kernels look at neighbours. Inside a patch they are still there; across its borders stand strangers.
