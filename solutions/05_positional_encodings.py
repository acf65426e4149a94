# %% [markdown] slideshow={"slide_type": "slide"}
# # 05 · Where am I? Positional encodings
#
# A ViT adds a vector to each token that says where the token comes from. What if somebody forgot? Part (e) of the
# discussion sheet asks whether the model could still learn anything, and wants one task that works and one that does
# not. After this lesson you can
#
# - **prove** which tasks are lost without positions, and measure it on the same pictures,
# - write the codes that are in use: a learned table, sine waves in one and two dimensions, and (stretch) rotations,
# - carry a trained model over to another resolution, and say what goes wrong if you are careless.
#
# {{contents}}
#
# Short of time? The parts marked ★ make up one section of at most 50 minutes; the others can wait.

# %% [markdown]
# Run this cell first (Shift+Enter). It shows what there is to do and how far you are.

# %% tags=["setup"]
import torch
import torch.nn.functional as F
from torch import nn

from helpers.check import Lesson
from helpers.data import fashion_mnist
from helpers.explorers import positional_encodings as explorer
from helpers.figures import positional_encodings as figures
from helpers.figures.whole_model import whole_model
from helpers.models.checkpoints import load_vit
from helpers.models.corners import draw_corners, in_corners, in_every_corner
from helpers.models.positions import FixedPositions, LearnedGridPositions, PositionedViT, rotary_vit
from helpers.models.positions import sincos_2d as sincos_with_base
from helpers.models.vit import ViT
from helpers.papers import VIT_NO_POSITIONS, VIT_SIMILARITY
from helpers.train import best_device, evaluate, fit

lesson = Lesson("05", globals())
lesson

# %%
whole_model(["positions"], {"positions": "the only place that says where"})

# %% [markdown] tags=["ta-note"]
# **TA, opening.** Ask: somebody forgot the positions. Can the model still learn anything at all? Two votes, and no
# answer yet: could it learn to tell a cat from a dog? Left from right? Part 1 is the sheet's question: keep its three
# steps whatever happens.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 1 · What is missing (13 min) ★
#
# Take a garment, make it 12 x 12 pixels small, and put it in one corner of an empty picture of 24 x 24. The patches are
# 4 x 4 pixels, so there are 6 x 6 = 36 of them, 9 of them in the garment's corner.

# %%
pictures = fashion_mnist("test", 10)
empty = pictures.images.min().item()  # what an empty pixel is, after normalising
garment = 7
four, _ = in_every_corner(pictures.images[garment : garment + 1], empty)  # (4, 1, 24, 24)
figures.corners(four, pictures.names[pictures.labels[garment]], 4)

# %% [markdown]
# Two tasks on one and the same picture: ***what*** is it (ten garments), and ***where*** is it (four corners)?
#
# Step 1. **The garment moves from the top left to the bottom right corner. What does that do to the patches?**
#
# - a) nothing: the same patches in the same places
# - b) the same patches, in other places of the sequence
# - c) other patches: their pixels change
# - d) fewer patches with something on them

# %% tags=["answer"] exercise="moved_garment"
### BEGIN SOLUTION
moved_garment = "b"
### STUB
# moved_garment = ...  # "a", "b", "c" or "d"
### END SOLUTION

# %% tags=["check"] exercise="moved_garment"
lesson.check("moved_garment")

# %% [markdown]
# See it: both pictures as sequences, and both sequences sorted by brightness.

# %%
figures.bags(four[[0, 3]], 4, ["top left", "bottom right"])

# %% [markdown] slideshow={"slide_type": "slide"}
# Step 2. **A ViT without positions reads both pictures. What does it say?** (Lesson 02: attention, LayerNorm and MLP
# move along with a shuffle of the tokens; the head reads the class token.)
#
# - a) the same logits for both, whatever the weights
# - b) other logits, since attention compares each patch with its neighbours
# - c) the same logits before training, other ones after
# - d) the same logits moved along, as the patches are

# %% tags=["answer"] exercise="symmetric_logits"
### BEGIN SOLUTION
symmetric_logits = "a"
### STUB
# symmetric_logits = ...  # "a", "b", "c" or "d"
### END SOLUTION

# %% tags=["check"] exercise="symmetric_logits"
lesson.check("symmetric_logits")

# %% [markdown]
# In one line: without positions the logits are a **symmetric function** of the patches, f(P X) = f(X) for every
# permutation P, and a move by whole patches *is* a permutation. Let us see it, with random weights, in float64.

# %%
torch.manual_seed(0)
vit = ViT(24, 4, 1, 10, dim=32, depth=2, heads=4).double()
nn.init.normal_(vit.pos_embed, std=0.5)
blind = PositionedViT(vit, nn.Identity())  # the same weights, nothing added
with torch.no_grad():
    says = {"with positions": vit(four.double()), "without": blind(four.double())}  # (4, 10) each
changes = {f"{name}: against top left": logits - logits[0] for name, logits in says.items()}
figures.logit_changes(changes, pictures.names)

# %% tags=["compare"]
for name, logits in says.items():
    apart = (logits - logits[0]).abs().max()
    print(f"{name}: the four corners get {'the same logits' if apart < 1e-9 else 'different logits'}")

# %% [markdown] slideshow={"slide_type": "slide"}
# Step 3. **Test *where* on pictures that show each garment once in each of the four corners. What is the best accuracy,
# in percent, that a ViT without positions can reach, however it was trained?**

# %% tags=["answer"] exercise="best_where"
### BEGIN SOLUTION
best_where = 25
### STUB
# best_where = ...  # a number, in percent
### END SOLUTION

# %% tags=["check"] exercise="best_where"
lesson.check("best_where")

# %% [markdown]
# It is also the worst: exactly 25%, never more, never less. No amount of data helps.

# %% [markdown]
# And the fine print. **Move the garment by a single pixel instead of 12. Are the logits still the same?**
#
# - a) yes: without positions a ViT is blind to every move
# - b) yes, as long as the garment stays in its corner
# - c) no: the garment is cut along other lines, so the bag holds other patches
# - d) no: the model counts the empty patches on either side

# %% tags=["answer"] exercise="moved_by_one_pixel"
### BEGIN SOLUTION
moved_by_one_pixel = "c"
### STUB
# moved_by_one_pixel = ...  # "a", "b", "c" or "d"
### END SOLUTION

# %% tags=["check"] exercise="moved_by_one_pixel"
lesson.check("moved_by_one_pixel")

# %%
with torch.no_grad():
    moved = blind(four.roll(1, dims=3).double())  # every picture one pixel to the right
figures.logit_changes({"without positions: after one pixel": moved - says["without"]}, pictures.names)

# %% [markdown]
# Other logits than before, and the same ones in all four corners. *Within* a patch places count: the patch embedding
# has a weight for each pixel.

# %% [markdown] tags=["ta-note"]
# **TA, 13 minutes.** Let the class vote before each of the three steps, and give the reason after it: three minutes a
# step. `moved_by_one_pixel` is the fine print: two minutes.
# - **They get wrong:** In `symmetric_logits` d) is tempting: the patch tokens move along (equivariant), but the class
#   token, which is read, stays the same (invariant). In `best_where` 50% is top or bottom, and it cannot tell even
#   that.
# - **Ask next:** Which model could tell corners without a table? (A CNN with zero padding, whose borders give the place
#   away; a causal transformer, whose token i sees i tokens.) What if each corner had a background of its own? (Then the
#   garment hides another one each time, the bags differ, and *where* can be learned.)
# - **Run live:** `figures.bags(…`, `figures.logit_changes(changes…`: two sequences, one bag; then no bar at all without
#   positions.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 2 · A table to learn, and both tasks measured (12 min) ★
#
# The ViT paper's remedy is the simplest that there is: a table with one row for each place of the sequence, added to
# the tokens, and learned like every other weight (its equation 1).
#
# **Exercise.** Write `LearnedPositions(tokens, dim)`, a module that adds its parameter `pos_embed` of shape
# (1, tokens, dim) to x (B, tokens, dim). `tokens` counts all places, a class token's too. Start from small random
# numbers, such as a normal distribution with standard deviation 0.02.


# %% tags=["exercise"] exercise="LearnedPositions"
class LearnedPositions(nn.Module):
    """One learned vector a place: (B, tokens, dim) -> (B, tokens, dim)."""

    def __init__(self, tokens, dim):
        super().__init__()
        ### BEGIN SOLUTION
        self.pos_embed = nn.Parameter(0.02 * torch.randn(1, tokens, dim))
        ### END SOLUTION

    def forward(self, x):
        ### BEGIN SOLUTION
        return x + self.pos_embed  # (B, N, D) + (1, N, D)
        ### END SOLUTION


# %% tags=["check"] exercise="LearnedPositions"
lesson.check("LearnedPositions")

# %% [markdown]
# What does it cost? **How many parameters has the table of ViT-B/16 (224 x 224 pixels, width 768), class token
# included?**

# %% tags=["answer"] exercise="learned_parameters"
### BEGIN SOLUTION
learned_parameters = 151_296
### STUB
# learned_parameters = ...  # a number
### END SOLUTION

# %% tags=["check"] exercise="learned_parameters"
lesson.check("learned_parameters")

# %% [markdown] slideshow={"slide_type": "slide"}
# Less than 0.2% of its 86.6 million. Now measure: a ViT with one block learns *what* and *where* on the same pictures,
# 4,000 garments (12,000 on a GPU), each in a random corner; once with your table, once with nothing. It is tested on
# garments that it has never seen, each in all four corners.

# %%
on_gpu = best_device().type != "cpu"
train, test = fashion_mnist("train", 12_000 if on_gpu else 4_000), fashion_mnist("test", 500)
places = draw_corners(len(train), seed=0)
train_pictures = in_corners(train.images, places, empty)  # (B, 1, 24, 24)
test_pictures, test_places = in_every_corner(test.images, empty)  # (4*B, 1, 24, 24)
answers = {"what": (train.labels, test.labels.repeat_interleave(4)), "where": (places, test_places)}
Positions = lesson.piece("LearnedPositions")


# %%
def task_accuracy(task, positions, seed):
    """Test accuracy in percent of a ViT with one block, with a learned table or without."""
    torch.manual_seed(seed)
    model = ViT(24, 4, 1, 10 if task == "what" else 4, dim=64, depth=1, heads=4)
    model = PositionedViT(model, Positions(37, 64) if positions else nn.Identity())
    learn, ask = answers[task]
    fit(model, train_pictures, learn, epochs=4, batch_size=32, lr=2e-3, seed=seed)
    return evaluate(model, test_pictures, ask)


# %% [markdown]
# **Predict: without positions, which of the two tasks suffers?**
#
# - a) both, about equally
# - b) *what* hardly at all, *where* falls to chance (25%)
# - c) *what* falls to chance (10%), *where* hardly suffers
# - d) neither: the patches still say enough

# %% tags=["predict"] exercise="predict_what_where"
### BEGIN SOLUTION
predict_what_where = "b"
### STUB
# predict_what_where = ...  # "a", "b", "c" or "d"
### END SOLUTION

# %% tags=["experiment"]
tasks = lesson.experiment(
    "predict_what_where",
    {
        "where, learned positions": lambda seed: task_accuracy("where", True, seed),
        "where, no positions": lambda seed: task_accuracy("where", False, seed),
        "one corner for all": lambda seed: 25.0,  # chance
        "what, learned positions": lambda seed: task_accuracy("what", True, seed),
        "what, no positions": lambda seed: task_accuracy("what", False, seed),
    },
)
tasks

# %% tags=["compare"]
print(tasks.conclusion)

# %% [markdown]
# *What* is in the bag, *where* is not. That is the sheet's answer in two numbers, and the second one is exact.

# %% [markdown] tags=["ta-note"]
# **TA, 11 minutes.** The room writes `LearnedPositions`, five minutes, and one for `learned_parameters` (197 x 768);
# vote on `predict_what_where` and show the table. Run the experiment before class.
# - **They get wrong:** *not learned*: a plain tensor in place of a parameter. *by picture instead of by place*: the
#   table laid along the batch. *first token left out*: the class token's row forgotten. In the vote c) and d) forget
#   part 1: the corner can be told in 25% at best, so only the garment is open; who takes a) forgets that the bag of
#   patches has stayed.
# - **Ask next:** Why does what not gain from positions here? (The garment is in another corner each time, so a row of
#   the table says little about sleeve or sole. On centred garments, part 5, it does.)
# - **Run live:** `tasks = lesson.experiment(…`: the table as it stands from before class: where falls to exactly 25%,
#   what hardly moves.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 3 · Waves instead of a table (16 min) ★
#
# A code that needs no learning: let a few hands turn, as on a clock, each at its own speed, and write down where they
# point. Hand i turns by w_i = 10,000^(-2i/dim) radians from one place to the next; at place p it points to
# (sin(p w_i), cos(p w_i)). There are dim/2 hands.
#
# **Exercise.** Write `sincos_1d(length, dim)`: the table (length, dim) for places 0, 1, ..., length-1, **all sines in
# the first half** of a row, fast hands first, **all cosines in the second**. With dim 4 the speeds are 1 and 0.01:
#
#     place 0:   0       0       1       1
#     place 1:   0.841   0.010   0.540   1.000
#     place 2:   0.909   0.020  -0.416   1.000


# %% tags=["exercise"] exercise="sincos_1d"
def sincos_1d(length, dim):
    """The code of each place, sines then cosines: (length, dim)."""
    ### BEGIN SOLUTION
    speeds = 10_000 ** -(torch.arange(0, dim, 2) / dim)  # (dim/2,)
    angles = torch.arange(length)[:, None] * speeds  # (length, dim/2)
    return torch.cat([angles.sin(), angles.cos()], dim=1)
    ### END SOLUTION


# %% tags=["check"] exercise="sincos_1d"
lesson.check("sincos_1d")

# %%
waves = lesson.piece("sincos_1d")
figures.waves(waves(64, 64))

# %% [markdown] slideshow={"slide_type": "slide"}
# Why sines *and* cosines? Multiply the codes of two places i and j, entry by entry, and add up. **What does the sum
# depend on?**
#
# - a) on i and j each by itself
# - b) on the difference i - j alone
# - c) on the sum i + j alone
# - d) on nothing: it is always dim/2

# %% tags=["answer"] exercise="displacement_only"
### BEGIN SOLUTION
displacement_only = "b"
### STUB
# displacement_only = ...  # "a", "b", "c" or "d"
### END SOLUTION

# %% tags=["check"] exercise="displacement_only"
lesson.check("displacement_only")

# %%
table = waves(30, 64)
products = table @ table.T  # (30, 30)
far = {f"{i} and {i + 3}": f"{products[i, i + 3]:.3f}" for i in (0, 7, 19)}
far

# %% tags=["compare"]
diagonals = [products.diagonal(step) for step in range(30)]
print("same difference, same product:", all(d.max() - d.min() < 1e-3 for d in diagonals))
print("a code with itself gives dim/2:", bool((products.diagonal() - 32).abs().max() < 1e-3))

# %% [markdown]
# Each hand adds cos(w (i - j)). A query made from one code and a key made from another can therefore measure *how far
# apart* two tokens are, the same way everywhere in the picture.

# %% [markdown] tags=["ta-note"]
# **TA, 14 minutes.** Draw one clock hand and read off (sin, cos); the room writes `sincos_1d`, nine minutes. Then the
# worksheet's task and the vote on `displacement_only`: for one speed cos(a - b) = cos a cos b + sin a sin b, so the sum
# holds cosines of w (i - j) and nothing else.
# - **They get wrong:** *waves slow down twice as fast*: exponents that go on to 2. *waves get faster*: the wrong sign.
#   *the slowest wave has exponent 1*: `linspace(0, 1)`. *sines and cosines in turns* is the first transformer's order:
#   the same numbers, and the first linear layer can undo it.
# - **Ask next:** Which i - j can the fastest hand not tell from 0? (Multiples of 2 pi, about 6.28, so never exactly;
#   slower hands settle it anyway.)
# - **Run live:** `figures.waves(…`: sines in the left half, cosines in the right; in each half the first columns turn
#   fast and the last ones hardly move.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 4 · Rows and columns (11 min)
#
# A picture has two dimensions, and the patch below is as near as the patch beside. Give half of the code to the row,
# half to the column.
#
# **Exercise.** Write `sincos_2d(rows, cols, dim)`: (rows*cols, dim) for the patches of a grid, which the sequence runs
# through {{sequence_words}}. The **row's** 1-D code of width dim/2 is the first half, the **column's** the second. Your
# `sincos_1d` may help.


# %% tags=["exercise"] exercise="sincos_2d"
def sincos_2d(rows, cols, dim):
    """The code of each patch, row then column: (rows*cols, dim)."""
    ### BEGIN SOLUTION
    ### sequence: row-major
    by_row = sincos_1d(rows, dim // 2).repeat_interleave(cols, dim=0)  # each row's code once a column
    ### sequence: row-major
    by_col = sincos_1d(cols, dim // 2).repeat(rows, 1)  # all columns, over and over again
    ### sequence: column-major
    by_row = sincos_1d(rows, dim // 2).repeat(cols, 1)  # all rows, over and over again
    ### sequence: column-major
    by_col = sincos_1d(cols, dim // 2).repeat_interleave(rows, dim=0)  # each column's code once a row
    return torch.cat([by_row, by_col], dim=1)  # (rows*cols, dim)
    ### END SOLUTION


# %% tags=["check"] exercise="sincos_2d"
lesson.check("sincos_2d")

# %% [markdown]
# Who looks alike? The cosine between the code of one place (framed) and all others, on a grid of 7 x 7: for waves along
# the sequence, for waves in rows and columns, and for the table that a ViT **learned** on Fashion-MNIST.

# %%
grid_waves = lesson.piece("sincos_2d")
learned = load_vit().pos_embed[0, 1:]  # (49, 48), without the class token's row
tables = {"sin-cos 1-D": waves(49, 48), "sin-cos 2-D": grid_waves(7, 7, 48), "learned": learned}
figures.similarity(tables, (7, 7), (3, 3))

# %% [markdown]
# In one dimension the place below, 7 steps on, is less near than the one beside; in two dimensions both are equally
# near. But look at the colours: with a base of 10,000, made for long texts, most hands hardly move over 7 places, and
# nearly all codes look alike. And the learned table? Nobody told it about rows and columns. Here is its whole picture,
# a small map for each place:

# %%
figures.all_similarities(learned, (7, 7))

# %%
print(f"{VIT_SIMILARITY.says} ({VIT_SIMILARITY.source})")

# %% [markdown]
# **The model found much of the grid in the data**, most clearly what stands above what, and ours found one thing more.
# Look at the maps on the left and on the right edge: they light up together. Compare each place with the places that
# touch it, with those four or more steps away, and with its mirror image on the other side of the picture.

# %%
cosines = torch.cosine_similarity(learned[:, None], learned[None], dim=2)  # (49, 49)
row, col = torch.arange(49) // 7, torch.arange(49) % 7
steps = (row[:, None] - row).abs() + (col[:, None] - col).abs()
mirrored = (row[:, None] == row) & (col[:, None] == 6 - col) & (steps > 0)  # the middle column is its own image
pairs = {"touching": steps == 1, "far": steps >= 4, "mirrored": mirrored}
alike = {name: cosines[which].mean().item() for name, which in pairs.items()}
{name: f"{value:.2f}" for name, value in alike.items()}

# %% tags=["compare"]
print("touching places are more alike than far ones:", alike["touching"] > alike["far"])
print("mirrored places are as alike as touching ones, or more:", alike["mirrored"] >= alike["touching"])

# %% [markdown]
# Shirts, trousers and bags have two equal sides, so left and right may share their code. A learned table knows the
# *data*, not only the grid.

# %% [markdown] tags=["ta-note"]
# **TA, not in the section.** Always try 2 x 3: the classic is invisible on square grids.
# - **They get wrong:** *grid transposed*: `repeat` for `repeat_interleave`. *x and y swapped*: MAE's own code puts the
#   column first, through `meshgrid(w, h)`; who loads its weights loads its table too and never notices.
# - **Ask next:** Would a table learned on street scenes have the mirror? (Photographs are often flipped at random in
#   training, which makes left and right alike; up and down differ.)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 5 · Which kind is best? (9 min)
#
# A learned table can also be built in two dimensions: one half vector for each row, one for each column, put side by
# side. **How many parameters has it for the 14 x 14 patches of ViT-B/16 (width 768, without class token)?**

# %% tags=["answer"] exercise="learned_grid_parameters"
### BEGIN SOLUTION
learned_grid_parameters = 10_752
### STUB
# learned_grid_parameters = ...  # a number
### END SOLUTION

# %% tags=["check"] exercise="learned_grid_parameters"
lesson.check("learned_grid_parameters")

# %% [markdown]
# Now on whole garments again, 28 x 28, in the middle where they belong: a ViT with two blocks, a short training, and
# six ways to say where. One of them has waves with a base of 10 in place of 10,000; RoPE turns queries and keys instead
# of adding anything (part 7).

# %%
ways = {
    "none": nn.Identity,
    "learned 1-D": lambda: Positions(50, 64),
    "learned 2-D": lambda: LearnedGridPositions(7, 7, 64),
    "sin-cos 2-D": lambda: FixedPositions(grid_waves(7, 7, 64)),
    "sin-cos 2-D, base 10": lambda: FixedPositions(sincos_with_base(7, 7, 64, base=10)),
}
some, all_test = fashion_mnist("train", 12_000 if on_gpu else 3_000), fashion_mnist("test")


# %%
def kind_accuracy(kind, seed):
    """Test accuracy in percent on ten garments, with one kind of positions."""
    torch.manual_seed(seed)
    model = ViT(28, 4, 1, 10, dim=64, depth=2, heads=4)
    model = rotary_vit(model) if kind == "RoPE 2-D" else PositionedViT(model, ways[kind]())
    fit(model, some.images, some.labels, epochs=3, batch_size=32, lr=2e-3, seed=seed)
    return evaluate(model, all_test.images, all_test.labels)


# %% [markdown]
# **Predict: against none at all, which kinds help most in so short a training?**
#
# - a) all kinds, and about equally
# - b) waves and turns more than the learned tables
# - c) the learned tables, which fit the data; waves and turns less
# - d) none: the patches say it all

# %% tags=["predict"] exercise="predict_kinds"
### BEGIN SOLUTION
predict_kinds = "b"
### STUB
# predict_kinds = ...  # "a", "b", "c" or "d"
### END SOLUTION

# %% tags=["experiment"]
by_kind = lesson.experiment(
    "predict_kinds", {kind: lambda seed, kind=kind: kind_accuracy(kind, seed) for kind in (*ways, "RoPE 2-D")}
)
by_kind

# %% tags=["compare"]
print(by_kind.conclusion)

# %%
figures.beside_the_paper(by_kind, VIT_NO_POSITIONS.values)

# %% [markdown]
# Three things to read off. **That** there are positions matters, as in the paper. **Which** matters too, here: waves
# and turns know the grid from the first step, while a learned table starts as small noise and first has to find it; in
# so short a training it has not got far, and the one in two dimensions, with fewer numbers to learn, is no better for
# it. The paper trains long, and there the kinds end up side by side. And the **base**? It changes the maps of part 4 a
# lot and the accuracy hardly: codes that differ only a little can still be told apart.

# %% [markdown] tags=["ta-note"]
# **TA, not in the section.** Its experiment takes minutes: run it before you talk about it.
# - **They get wrong:** They expect no difference between the kinds, as in the paper. In so short a training waves and
#   turns know the grid from the first step, a learned table has to find it.
# - **Ask next:** Why are the paper's gains smaller, 61.4 to 64.2? (Most likely since a bag of 196 patches of 16 x 16
#   pixels says more about a photograph than 49 scraps of 4 x 4 about a shirt.) What would help a learned table? (More
#   training: the one of part 4 had ten times as many epochs and four times the pictures. Or start it from the waves.)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 6 · Another resolution (18 min)
#
# A model trained at 224 pixels is often fine-tuned at 384. The patches stay 16 x 16 pixels, so there are more of them,
# and the table has too few rows. **What shape does the table of ViT-B/16 (width 768, class token) need at 384 x 384?**

# %% tags=["answer"] exercise="table_at_384"
### BEGIN SOLUTION
table_at_384 = (1, 577, 768)
### STUB
# table_at_384 = ...  # a tuple
### END SOLUTION

# %% tags=["check"] exercise="table_at_384"
lesson.check("table_at_384")

# %% [markdown] slideshow={"slide_type": "slide"}
# The rows of the table lie on a grid, so treat the table as a **picture with D channels and resize it**.
#
# **Exercise.** Write `interpolate_positions(pos_embed, old_grid, new_grid)`. `pos_embed` is (1, N, D), or (1, 1+N, D)
# with a class token, whose row stands {{class_token_words}} and is **kept as it is**; grids are (rows, cols), and the
# sequence runs through them {{sequence_words}}. Resize with `F.interpolate` to new rows and columns: **bicubic**,
# corners not aligned, no antialiasing. The result is (1, M, D) or (1, 1+M, D).


# %% tags=["exercise"] exercise="interpolate_positions"
def interpolate_positions(pos_embed, old_grid, new_grid):
    """A table of positions for another grid: (1, [1+]N, D) -> (1, [1+]M, D)."""
    ### BEGIN SOLUTION
    extra = pos_embed.shape[1] - old_grid[0] * old_grid[1]  # 1 with a class token, else 0
    class_token, table = pos_embed[:, :extra], pos_embed[:, extra:]  ### class_token: first
    table, class_token = pos_embed.split([old_grid[0] * old_grid[1], extra], dim=1)  ### class_token: last
    ### sequence: row-major
    maps = table.unflatten(1, old_grid).permute(0, 3, 1, 2)  # (1, N, D) -> (1, D, rows, cols)
    ### sequence: column-major
    maps = table.unflatten(1, old_grid[::-1]).permute(0, 3, 2, 1)  # (1, N, D) -> (1, D, rows, cols)
    maps = F.interpolate(maps, size=new_grid, mode="bicubic", align_corners=False)
    table = maps.flatten(2).transpose(1, 2)  # (1, D, rows, cols) -> (1, M, D)  ### sequence: row-major
    table = maps.mT.flatten(2).transpose(1, 2)  # (1, D, rows, cols) -> (1, M, D)  ### sequence: column-major
    return torch.cat([class_token, table], dim=1)  ### class_token: first
    return torch.cat([table, class_token], dim=1)  ### class_token: last
    ### END SOLUTION


# %% tags=["check"] exercise="interpolate_positions"
lesson.check("interpolate_positions")

# %% [markdown]
# The learned table on a grid of 10 x 10: around a place in the middle lies a bright spot as before, only finer.

# %%
resize = lesson.piece("interpolate_positions")
trained = load_vit()
finer = resize(trained.pos_embed.detach(), (7, 7), (10, 10))  # (1, 101, 48)
figures.similarity({"resized to 10 x 10": finer[0, 1:]}, (10, 10), (4, 4))

# %% [markdown] slideshow={"slide_type": "slide"}
# Does it work? The ViT with the learned table reads 28 x 28 pixels in 7 x 7 patches and is never trained again. Blow
# the test pictures up to 40 x 40: 10 x 10 patches of 4 pixels. Four tables with 100 rows for it:

# %%
class_row, old_rows = trained.pos_embed.detach().split([1, 49], dim=1)  # (1, 1, 48) and (1, 49, 48)
bigger = {
    "resized as a grid": finer[:, 1:],
    "stretched as a line": F.interpolate(old_rows.mT, size=100, mode="linear").mT,
    "old rows, repeated": old_rows[:, torch.arange(100) % 49],
    "one row for all": old_rows.mean(dim=1, keepdim=True).expand(1, 100, 48),  # says nothing about where
}  # (1, 100, 48) each


# %%
def thousand(seed):
    """1,000 of the test pictures, drawn by the seed, and their labels."""
    drawn = torch.randperm(2_000, generator=torch.Generator().manual_seed(seed))[:1_000]
    return all_test.images[drawn], all_test.labels[drawn]


def accuracy_at_40(table, seed):
    """Test accuracy in percent, at 40 x 40 pixels, of the trained ViT with another table."""
    images, labels = thousand(seed)
    model = ViT(40, 4, 1, 10, dim=48, depth=3, heads=4)
    model.load_state_dict({**trained.state_dict(), "pos_embed": torch.cat([class_row, table], dim=1)})
    return evaluate(model, F.interpolate(images, size=(40, 40), mode="bilinear"), labels)


# %% [markdown]
# **Predict: which table serves it best?**
#
# - a) the old rows in their old order, repeated where they run out
# - b) the old rows stretched along the sequence
# - c) the old grid resized in two dimensions
# - d) it makes no difference

# %% tags=["predict"] exercise="predict_resolution"
### BEGIN SOLUTION
predict_resolution = "c"
### STUB
# predict_resolution = ...  # "a", "b", "c" or "d"
### END SOLUTION

# %% tags=["experiment"]
at_40 = lesson.experiment(
    "predict_resolution",
    {
        "at 28 x 28, as trained": lambda seed: evaluate(trained, *thousand(seed)),
        **{name: lambda seed, table=table: accuracy_at_40(table, seed) for name, table in bigger.items()},
    },
)
at_40

# %% tags=["compare"]
print(at_40.conclusion)

# %% [markdown]
# Resized as a grid, the model loses only a few points at a resolution that it has never seen, without any training.
# Tables that put patches in wrong places throw it far down, and the old rows in their old order are worse even than one
# and the same row for all: **wrong positions can be worse than none.** (None is bad here as well, since this model grew
# up with positions; a ViT that never had any does far better, part 5.)

# %% [markdown] tags=["ta-note"]
# **TA, not in the section.** timm antialiases, Hugging Face and the first DeiT code do not: tables from both differ a
# little, so say which.
# - **They get wrong:** *class token lost*, or *stretched with the class token*. *scrambled*: `reshape` to (1, D, rows,
#   cols) without `permute`, in silence. *old grid turned over* and *new grid turned over*: silent on square grids.
# - **Ask next:** Sine waves need no resizing. Do they carry over? (Rows 7, 8, 9 were never seen; stretch the places
#   instead.)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 7 · Stretch: turn, do not add (16 min)
#
# **RoPE** ([Su et al., 2021](https://arxiv.org/abs/2104.09864)) puts the hands of part 3 to another use. It adds
# nothing to the tokens: it *turns* pairs of features of every patch's query and key by the angle of its place (a class
# token has no place and is not turned). Turn q by
# angle a and k by angle b, and their product only feels a - b.
#
# **Exercise.** Write `rope_2d(q, k, grid)`, which returns both turned; q and k are (..., N, d), grid is (rows, cols),
# the sequence runs through it {{sequence_words}}. The **first half** of the features turns with the **row**, the second
# with the **column**. Within a half (width d/2), features i and i + d/4 form a pair (a, b), and
#
#     (a, b)  becomes  (a cos - b sin, a sin + b cos)      with the angle  place * 10,000^(-2i/(d/2))
#
# as in `sincos_1d(..., d // 2)`: `sincos_2d(rows, cols, d)` holds all sines and cosines that you need.


# %% tags=["exercise"] exercise="rope_2d"
def rope_2d(q, k, grid):
    """Queries and keys turned by row and column: two tensors (..., N, d)."""
    ### BEGIN SOLUTION
    code = sincos_2d(*grid, q.shape[-1]).to(q)  # (N, d)
    sin_row, cos_row, sin_col, cos_col = code.chunk(4, dim=-1)  # (N, d/4) each

    def turn(x):
        a, b, c, d = x.chunk(4, dim=-1)  # (..., N, d/4) each
        by_row = (a * cos_row - b * sin_row, a * sin_row + b * cos_row)
        by_col = (c * cos_col - d * sin_col, c * sin_col + d * cos_col)
        return torch.cat([*by_row, *by_col], dim=-1)

    return turn(q), turn(k)
    ### END SOLUTION


# %% tags=["check"] exercise="rope_2d"
lesson.check("rope_2d")

# %% [markdown]
# Give *all* places the same query and the same key, so that only the turning can make a difference, and look at the
# scores of two queries.

# %%
turn = lesson.piece("rope_2d")
same = torch.ones(63, 32, dtype=torch.float64)  # (N, d) on a grid of 7 x 9
turned_q, turned_k = turn(same, same, (7, 9))
score = (turned_q @ turned_k.T / 32**0.5).reshape(7, 9, 7, 9)  # query's row and column, key's row and column
two = {"query at row 2, column 2": score[2, 2], "query at row 4, column 6": score[4, 6]}
figures.scores(two, [(2, 2), (4, 6)])

# %% tags=["compare"]
shift = (score[4, 6, 2:, 4:] - score[2, 2, :5, :5]).abs().max()  # the same map, two rows down, four columns right
print("the map moves along with its query:", bool(shift < 1e-4))

# %% [markdown]
# The same map, carried along: what a head learns about "the patch above me" it knows everywhere at once.

# %% [markdown] tags=["ta-note"]
# **TA, not in the section.** Homework rather than class.
# - **They get wrong:** *neighbours as pairs* (the paper) and *pairs across the whole vector* (Hugging Face's LLaMA):
#   three pairings are in use, with halves of each axis here. All are right, and none loads the weights of another.
# - **Ask next:** Why are the values not turned? (The score says whom to read; what is read should not depend on where
#   it stands.)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 8 · Drag it (5 min)
#
# Point at a place and see which others look alike to the model: with waves of any width and speed, with the learned
# table, on any grid. The line under the map tells the cosines. **Take 2-D waves and a place in the middle, and drag the
# base: how small can you make its cosine with the place below? What stops you?**

# %% tags=["explorer"]
explorer.explore(load_vit())

# %% [markdown]
# It stays above 0.77. The two places share the half of the code that tells the column, which is worth 1; in the other
# half even the fastest hand turns by only one radian a step, which leaves cos 1 = 0.54 at least. Together
# (1 + cos 1) / 2. A learned table has no such floor.

# %% [markdown] tags=["ta-note"]
# **TA, not in the section.** The explorer works as a trailer too. Start with the learned table, then sin-cos 2-D: the
# cross. Drag the base from 10,000 down: the spot shrinks, and far places become alike again.
# - **They get wrong:** They drag the base to its end to get the cosine with the place below to 0. It stays above 0.77:
#   half of the code tells the column and stays the same.
# - **Ask next:** What are the grid sliders under the learned table? (`interpolate_positions`, live.)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 9 · Answer the sheet (8 min) ★
#
# Part (e), in your own words, for a classmate who has not done this lesson: **if positions are forgotten, can the model
# learn anything at all, and why?** Name **one task** where it would do well and **one** where it would do poorly, each
# with its reason. A person reads this one.

# %% [markdown] tags=["answer"] exercise="learn_without_positions"
# ### BEGIN SOLUTION
# Yes. Without positions the model sees a bag of patches: which patches there are and how often, not where. Attention,
# LayerNorm and MLP move along with any shuffle of the tokens, and the class token sums over all of them, so the logits
# are a symmetric function of the patches. Whatever can be read off the bag can be learned: texture or material, the
# dominant colour, largely which garment it is (in random corners about as well as with positions, part 2). What depends
# on places alone cannot: in which corner the garment lies (exactly 25% of four corners, since all four pictures have
# the same bag), whether a square stands above or below a circle, or which pixels belong at a masked place.
# ### END SOLUTION

# %% [markdown] tags=["ta-note"]
# **TA, 7 minutes.** Three sentences from three people: what can be learned, why, and the two tasks. Then read the
# solved `learn_without_positions` against them.
# - **They get wrong:** They name a task that fails only for want of data. The failing task must have the same bag of
#   patches on both sides of the answer: which corner, above or below.
# - **Ask next:** Is "count the dots" a task that works? (Yes, as long as each dot lies within a patch.)
# - **Run live:** nothing: the sheet's question is answered aloud.

# %% [markdown] slideshow={"slide_type": "slide"}
# **What you can say now.**
#
# - Without positions a ViT computes a symmetric function of its patches: *what* survives, *where* is exactly chance.
# - Codes are tables, waves or turns. Waves and turns know the grid from the start; a learned table finds it, given
# time, and then which kind it is hardly matters.
# - Positions belong to places in the picture, not to numbers in the sequence: resize them as a grid.
#
# **Read on.** [ViT](https://arxiv.org/abs/2010.11929), appendix D.4 (which positions) and section 3.2 (another
# resolution) · [Attention Is All You Need](https://arxiv.org/abs/1706.03762), section 3.5 (the waves) ·
# [RoFormer](https://arxiv.org/abs/2104.09864) (turns) · [Better plain ViT
# baselines](https://arxiv.org/abs/2205.01580) (2-D waves in use).

# %% [markdown] tags=["worksheet"]
# Somebody forgets to add the positions. **Can the ViT still learn anything at all?**
#
# ### `moved_garment`
# A garment, 12 x 12 pixels, lies in a corner of an empty picture of 24 x 24. Patches are 4 x 4, so the garment covers
# 3 x 3 of the 6 x 6 patches, as shaded here.
#
# ```grid 6 x 6 patches, the 3 x 3 in the upper left corner shaded
# # # # . . .
# # # # . . .
# # # # . . .
# . . . . . .
# . . . . . .
# . . . . . .
# ```
#
# > It moves by 12 pixels, three whole patches: it is cut along the same lines. The *bag* of patches is the same.
#
# ### `symmetric_logits`
# Attention, LayerNorm and MLP move along with a shuffle of the tokens; the head reads the class token.
#
# > The class token adds up over all tokens, and a sum does not know in which order it was made: f(P X) = f(X).
#
# ### `best_where`
# *Where* is the task to say in which of the four corners the garment lies.
#
# > One answer for all four pictures of a garment, and one of the four is right. It is also the worst it can do.
#
# ### `predict_what_where`
# *What* is the task to say which of ten garments it is. Each task gets a model of its own, and pictures with the
# garment in any corner.
#
# > *What* can be read off the bag of patches, *where* cannot: exactly 25%.
#
# ### `displacement_only`
# The code of place i holds sin(wi) and cos(wi) for several speeds w. Multiply the codes of places i and j entry by
# entry, and add up. For one speed that is sin(wi) sin(wj) + cos(wi) cos(wj) = ?
#
# > It is cos(w(i - j)), for every speed, so the sum is a function of i - j alone: what attention compares with a dot
# > product is how far apart two places are.
