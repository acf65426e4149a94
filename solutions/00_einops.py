# %% [markdown] slideshow={"slide_type": "slide"}
# # 00 · einops: reshaping that reads like a sentence
#
# A Vision Transformer cuts pictures into patches, strings them up, deals features out to heads and puts everything
# together again. All of that is moving axes about, and moving axes about is where most bugs of this course are born.
# Part (a) of the discussion sheet therefore asks for one tool first: **einops**. After this lesson you can
#
# - read a pattern such as `b c h w -> c h (b w)` and say the shape that comes out,
# - write patterns that reorder, join, split, average and repeat axes,
# - say why a result can have the right shape and still be scrambled.
#
# {{contents}}
#
# Short of time? The parts marked ★ make up one section of at most 50 minutes; the others can wait.

# %% [markdown]
# Run this cell first (Shift+Enter). It shows what there is to do and how far you are.

# %% tags=["setup"]
from functools import partial
from time import perf_counter

import torch
from einops import EinopsError, rearrange, reduce, repeat

from helpers.check import Lesson
from helpers.explorers import einops as explorer
from helpers.figures import einops as figures
from helpers.figures.whole_model import whole_model
from helpers.tour import verdict_on

lesson = Lesson("00", globals())
lesson

# %% [markdown] tags=["progress"] slideshow={"slide_type": "skip"}
# This notebook is also the **start page** of the course. Come back to see what is done, what comes next and how long
# the rest takes; each link opens a lesson, on the right at its first open exercise.

# %% tags=["progress"] slideshow={"slide_type": "skip"}
from helpers.start import course

course()

# %% [markdown] tags=["progress"] slideshow={"slide_type": "skip"}
# When your course asks for your work, save your notebooks and press the button. It looks at whether they can be graded
# and puts every one that holds an answer into `hand_in.zip`, beside this notebook.

# %% tags=["progress"] slideshow={"slide_type": "skip"}
from helpers.hand_in import hand_in

hand_in()

# %% [markdown] tags=["ta-note"]
# **TA, opening.** Write `b c h w` on the board: six pictures, each in three colours. Ask what one sees when the last
# two letters change places, and when `b` and `w` become one axis. Collect two answers and leave them open: parts 2 and
# 3 answer them. (Keep the explorer of part 9 shut: its presets are answers.) Then say how the room works: everybody in
# their own notebook, in pairs, and a wrong answer costs nothing. Whoever cannot open a notebook yet shares a
# neighbour's; installing waits until after class.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 1 · How these notebooks work (4 min) ★
#
# - **Exercises**: where a cell says `raise NotImplementedError` or `...`, you write. Everything else runs as it is.
# - **Checks**: the cell below each exercise gives one of four verdicts, and names your mistake where it is a known one.
# - **Hints**: `lesson.hint("name")` gives a nudge; each further call says more, the third nearly everything.
# - **Pieces**: `lesson.piece("name")` is your own function once it is right, and the course's own until then, so that
#   the notebook always runs to its end.
# - **Predictions**: before an experiment you say what will happen. Nothing is graded there; guessing is the point.
#
# Here are the four verdicts, on answers to the first exercise below, which wants the channels of pictures moved from
# second place to last. First, on a function that nobody has written yet:


# %%
def unwritten(images):
    raise NotImplementedError("write your code here")


verdict_on("to_channels_last", unwritten)

# %% [markdown]
# Next, one that stops with an error: the card says which error, without a page of traceback.

# %%
verdict_on("to_channels_last", lambda images: images.channels_last())

# %% [markdown]
# One that runs and is wrong. The check knows this mistake and says what happened; below it stand the input, what was
# expected and what came.

# %%
verdict_on("to_channels_last", lambda images: images.transpose(1, 3))

# %% [markdown]
# And a right one. We take the *piece*, so that nothing is given away.

# %%
verdict_on("to_channels_last", lesson.piece("to_channels_last"))

# %% [markdown] tags=["ta-note"]
# **TA, 4 minutes.** Run the four verdict cells on the projector and read one card aloud. Who is stuck for three minutes
# asks for a hint.
# - **They get wrong:** They wait to be sure before they run a check. It can be run as often as one likes, and each card
#   says what to do next.
# - **Ask next:** What tells the first card from the second? (In the first nobody has written anything yet; in the
#   second the code stopped with an error, and the card says which.)
# - **Run live:** `verdict_on("to_channels_last", lambda images: images.transpose(1, 3))`: read the card aloud: the
#   named mistake, the input, what was expected, what came.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 2 · A pattern names the axes (8 min) ★
#
# Six pictures to play with. In PyTorch a batch of pictures has four axes: **b**atch, **c**hannels, **h**eight,
# **w**idth.

# %%
images = figures.six_pictures()  # (6, 3, 96, 128)
images.shape

# %%
figures.show(images, "Six pictures side by side: " + ", ".join(figures.SUBJECTS))

# %% [markdown] slideshow={"slide_type": "slide"}
# `rearrange` takes a tensor and a **pattern**. Left of the arrow: a name for each axis that comes in. Right of it: the
# same names, in the order in which they should go out. Here the last two change places:

# %% slideshow={"slide_type": "fragment"}
sideways = rearrange(images, "b c h w -> b c w h")  # (B, C, H, W) -> (B, C, W, H)
figures.show(sideways, "The six pictures mirrored along the diagonal, each 128 pixels high and 96 wide")

# %% [markdown]
# Every picture lies on its side. The names are yours to choose: `"batch colour y x -> batch colour x y"` is the same
# pattern. What counts is which name stands where.
#
# From here on, the questions are about a tensor `x` of shape `(10, 3, 32, 48)`: ten pictures, 3 channels, 32 pixels
# high, 48 wide. **What shape does `rearrange(x, "b c h w -> b c w h")` have?** Answer with a tuple, from your head.

# %% tags=["answer"] exercise="shape_sideways"
### BEGIN SOLUTION
shape_sideways = (10, 3, 48, 32)
### STUB
# shape_sideways = ...  # a tuple of four numbers
### END SOLUTION

# %% tags=["check"] exercise="shape_sideways"
lesson.check("shape_sideways")

# %% [markdown]
# A pattern is also checked while it runs. This one forgets the channels on the right. Does einops drop them?

# %%
try:
    rearrange(images, "b c h w -> b h w")
except EinopsError as error:
    print(error)

# %% [markdown]
# No: `rearrange` loses nothing, and the message repeats the pattern and names the axis `c` that has gone missing. A
# wrong `view` says nothing at all.

# %% [markdown] slideshow={"slide_type": "slide"}
# **Exercise.** PyTorch keeps the channels second, plotting libraries want them last. Write
# `to_channels_last(images)`: `(B, C, H, W)` comes in, `(B, H, W, C)` goes out.


# %% tags=["exercise"] exercise="to_channels_last"
def to_channels_last(images):
    """Move the channels behind the pixels: (B, C, H, W) -> (B, H, W, C)."""
    ### BEGIN SOLUTION
    return rearrange(images, "b c h w -> b h w c")
    ### END SOLUTION


# %% tags=["check"] exercise="to_channels_last"
lesson.check("to_channels_last")

# %% [markdown]
# The batch has kept its first place, and each picture now ends in its three colours:

# %%
lesson.piece("to_channels_last")(images).shape  # (B, C, H, W) -> (B, H, W, C)

# %% [markdown] tags=["ta-note"]
# **TA, 8 minutes.** The room answers `shape_sideways` and writes `to_channels_last`, in pairs.
# - **They get wrong:** *height and width swapped*: they write `transpose(1, 3)`, and every picture lies on its side.
#   Square pictures would hide it, so ours are not square. *the way back*: they write `permute` with the inverse order.
# - **Ask next:** Which of the two would a test on pictures of one colour, 32 x 32, have caught? (Only the second: its
#   shape is wrong. The first gives the right shape and the right values.)
# - **Run live:** `sideways = rearrange(…`, `rearrange(images, "b c h w -> b h w")`: first the pictures on their sides,
#   then the error that names the axis that went missing.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 3 · Brackets on the right join axes (6 min) ★
#
# Names in one bracket become **one** axis, as long as the product of theirs. So the batch can disappear into the width:

# %% slideshow={"slide_type": "fragment"}
row = rearrange(images, "b c h w -> c h (b w)")  # (B, C, H, W) -> (C, H, B*W)
figures.show(row, "The six pictures joined to one long strip, picture 0 on the left, picture 5 on the right")

# %% [markdown]
# One picture, 6 · 128 = 768 pixels wide. Back to `x` of shape `(10, 3, 32, 48)`: **what shape does
# `rearrange(x, "b c h w -> c (b h) w")` have?**

# %% tags=["answer"] exercise="shape_column"
### BEGIN SOLUTION
shape_column = (3, 320, 48)
### STUB
# shape_column = ...  # a tuple
### END SOLUTION

# %% tags=["check"] exercise="shape_column"
lesson.check("shape_column")

# %% [markdown] slideshow={"slide_type": "slide"}
# **The order inside a bracket matters**, as it does in numbers: the right factor is the fast one, like the ones of a
# number, the left factor the slow one, like its tens. With two tiny pictures of one line and three pixels:

# %% slideshow={"slide_type": "fragment"}
tiny = torch.arange(6).reshape(2, 3)  # (B, W): picture 0 holds 0 1 2, picture 1 holds 3 4 5
joined = {"(b w)": rearrange(tiny, "b w -> 1 (b w)"), "(w b)": rearrange(tiny, "b w -> 1 (w b)")}
owner = [0, 0, 0, 1, 1, 1]  # the picture of each number
figures.tables({"two pictures": tiny} | joined, owner, "Six numbers, three of each picture, joined in two orders")

# %% [markdown]
# Now imagine the strip of six pictures above with `(w b)` in place of `(b w)`. **What does one see?**
#
# - a) the same row, its pictures in the opposite order
# - b) the six pictures mixed, one column of pixels of each in turn
# - c) exactly the same row

# %% tags=["answer"] exercise="bracket_order"
### BEGIN SOLUTION
bracket_order = "b"
### STUB
# bracket_order = ...  # "a", "b" or "c"
### END SOLUTION

# %% tags=["check"] exercise="bracket_order"
lesson.check("bracket_order")

# %% [markdown]
# See for yourself:

# %% slideshow={"slide_type": "fragment"}
mixed = rearrange(images, "b c h w -> c h (w b)")  # (B, C, H, W) -> (C, H, W*B)
figures.show(mixed, "One wide blur in which all six pictures lie over one another, in fine vertical stripes")

# %% [markdown]
# Six pictures over one another, each stretched to the full width: next to every pixel stands the same pixel of another
# picture. Same shape, no error, and useless for a network.

# %% [markdown] tags=["ta-note"]
# **TA, 6 minutes.** Leave the rule on the board: right is fast. Vote on `bracket_order` before you run the cell that
# shows it.
# - **They get wrong:** Who takes a) reads a bracket as a list of pictures. In `shape_column` the strip comes out wide
#   in place of high: they join `b` to the wrong side.
# - **Ask next:** Which column of which picture stands at place 7 of the mixed strip, all counted from 0? (Column 1 of
#   picture 1: places 0 to 5 are the column 0 of all six, and place 6 is column 1 of picture 0.)
# - **Run live:** `mixed = rearrange(…`: after the vote. Six pictures lie over one another, in the same shape and
#   without an error.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 4 · Brackets on the left split axes (11 min) ★
#
# The other way round: a bracket on the left takes one axis apart. Its length alone does not say how, so a size must be
# given; the last one follows.

# %% slideshow={"slide_type": "fragment"}
halves = rearrange(images[0], "c h (half w) -> c (half h) w", half=2)  # (C, H, W) -> (C, 2*H, W/2)
thinned = rearrange(images[0], "c h (w half) -> c (half h) w", half=2)  # the same shape
figures.show(
    {"c h (half w)": halves, "c h (w half)": thinned},
    "Left: the left half of the cat's eye above its right half. Right: the whole eye twice, squeezed to half its width",
)

# %% [markdown]
# Right is fast here too. In `(half w)` neighbouring pixels stay together: left half, right half. In `(w half)` the half
# changes at every pixel, so even columns go up and odd ones down: two thinned-out copies. Remember this picture: it
# is one of the most common mistakes of lesson 01.
#
# Where sizes do not fit, einops says so, with the pattern and the numbers:

# %%
try:
    rearrange(images, "(rows cols) c h w -> rows cols c h w", rows=4)
except EinopsError as error:
    print(error)

# %% [markdown]
# Split and join in one pattern, on `x` of shape `(10, 3, 32, 48)`: **what shape does
# `rearrange(x, "(b1 b2) c h w -> b2 c h (b1 w)", b1=2)` have?**

# %% tags=["answer"] exercise="shape_split"
### BEGIN SOLUTION
shape_split = (5, 3, 32, 96)
### STUB
# shape_split = ...  # a tuple
### END SOLUTION

# %% tags=["check"] exercise="shape_split"
lesson.check("shape_split")

# %% [markdown] slideshow={"slide_type": "slide"}
# **Exercise.** Lay pictures out as a page of an album. `photo_album(images, rows)` takes `(rows*cols, C, H, W)` and
# returns **one** picture `(rows*H, cols*W, C)`, channels last. The page fills up **row by row**, as one reads: with
# `rows=2`, our six pictures stand as
#
#     0 1 2
#     3 4 5


# %% tags=["exercise"] exercise="photo_album"
def photo_album(images, rows):
    """Lay pictures out in a grid, row by row: (rows*cols, C, H, W) -> (rows*H, cols*W, C)."""
    ### BEGIN SOLUTION
    return rearrange(images, "(rows cols) c h w -> (rows h) (cols w) c", rows=rows)
    ### END SOLUTION


# %% tags=["check"] exercise="photo_album"
lesson.check("photo_album")

# %% [markdown]
# The picture is the proof: three columns, two rows, nobody on their side.

# %%
page = lesson.piece("photo_album")(images, 2)  # (6, C, H, W) -> (2*H, 3*W, C)
figures.show(page, "An album page: " + "; ".join(", ".join(figures.SUBJECTS[i : i + 3]) for i in (0, 3)))

# %% [markdown] tags=["ta-note"]
# **TA, 11 minutes.** The hardest exercise here: give `photo_album` eight minutes. Let pairs compare pictures before
# they compare patterns.
# - **They get wrong:** *column by column*: the page fills downwards, with the slow factor chosen wrongly on the left.
#   *rows taken for columns*: the number goes to the wrong name. *pixels interleaved*: `(h rows)` for `(rows h)`, and
#   every picture is torn apart.
# - **Ask next:** Which one bracket do you change so that the page fills column by column? (The one on the left:
#   `(cols rows)` for `(rows cols)`.)
# - **Run live:** `halves = rearrange(…`, `page = lesson.piece("photo_album")`: the halves before the exercise, the page
#   when the first pairs are done.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 5 · reduce: what is missing on the right goes away (9 min) ★
#
# `reduce` is `rearrange` plus a rule for axes that stand on the left only: `"mean"`, `"max"`, `"min"`, `"sum"`. Drop
# the batch:

# %% slideshow={"slide_type": "fragment"}
averages = {how: reduce(images, "b c h w -> c h w", how) for how in ("mean", "max", "min")}  # (C, H, W) each
figures.show(averages, "Six pictures in one: a brown blend (mean), a bright one (max), a nearly black one (min)")

# %% [markdown]
# Blend, brightest and darkest of the six at each pixel. A `1` on the right keeps a reduced axis with length 1, just
# right for broadcasting: here each picture loses its own mean colour.

# %% slideshow={"slide_type": "fragment"}
mean_colour = reduce(images, "b c h w -> b c 1 1", "mean")  # (B, C, H, W) -> (B, C, 1, 1)
centred = images - mean_colour  # (B, C, H, W)
figures.show(
    0.5 + centred,
    "The six pictures, each with the same grey mean: the brown and red casts are gone, white turns bluish",
)

# %% [markdown]
# On `x` of shape `(10, 3, 32, 48)`: **what shape does `reduce(x, "b c (h four) w -> b h w", "max", four=4)` have?**

# %% tags=["answer"] exercise="shape_reduced"
### BEGIN SOLUTION
shape_reduced = (10, 8, 48)
### STUB
# shape_reduced = ...  # a tuple
### END SOLUTION

# %% tags=["check"] exercise="shape_reduced"
lesson.check("shape_reduced")

# %% [markdown] slideshow={"slide_type": "slide"}
# **Exercise.** Average pooling, the oldest way to make a picture smaller: cut it into squares of `k x k` pixels and
# keep the mean of each square, channel by channel. `average_pool(images, k)` takes `(B, C, H, W)`, with sides that `k`
# divides, and returns `(B, C, H/k, W/k)`. By hand, with k = 2:
#
#     1 3 | 0 0
#     5 7 | 0 8   ->   4 2
#
# A name stands only once on a side of a pattern, so the height and the width of a square need two names, such as `k1`
# and `k2`, both as long as `k`.


# %% tags=["exercise"] exercise="average_pool"
def average_pool(images, k):
    """Average each k x k square of pixels: (B, C, H, W) -> (B, C, H/k, W/k)."""
    ### BEGIN SOLUTION
    return reduce(images, "b c (h k1) (w k2) -> b c h w", "mean", k1=k, k2=k)
    ### END SOLUTION


# %% tags=["check"] exercise="average_pool"
lesson.check("average_pool")

# %% [markdown]
# Each of these has 16 times fewer pixels than before: 24 x 32.

# %%
small = lesson.piece("average_pool")(images, 4)  # (B, C, H, W) -> (B, C, H/4, W/4)
figures.show(small, "The six pictures at 24 x 32 pixels: coarse, and still easy to recognise")

# %% [markdown] tags=["ta-note"]
# **TA, 8 minutes.** The room answers `shape_reduced` and writes `average_pool`.
# - **They get wrong:** *pixels far apart averaged*: `(k1 h)` for `(h k1)`. Ask for the picture that it makes: a ghost
#   of several shifted ones. *one pixel of each square*: `[::k]` takes one pixel and no average. *k squares instead of
#   squares of k*: `h=k`, and the result is k x k.
# - **Ask next:** How do you get max pooling from it? (One word: "max" for "mean".)
# - **Run live:** `averages = {how: reduce(…`, `small = lesson.piece("average_pool")`: blend, brightest and darkest;
#   then six pictures at 24 x 32 pixels that one still recognises.

# %% [markdown]
# ## 6 · repeat: what is new on the right is copied (6 min)
#
# `repeat` is the way back: a name that stands on the right only is new, its size is given, and the tensor is copied
# along it. Each picture's mean colour as a swatch:

# %% slideshow={"slide_type": "fragment"}
swatches = repeat(mean_colour, "b c 1 1 -> b c h w", h=32, w=48)  # (B, C, 1, 1) -> (B, C, 32, 48)
figures.show(swatches, "Six plain swatches: the mean colours of the six pictures, mostly browns and reds")

# %% [markdown]
# A ViT needs exactly this once: it has **one** learned class token, and every picture of the batch gets a copy.

# %%
class_token = torch.randn(1, 1, 64)  # one token of width 64
repeat(class_token, "1 1 d -> b 1 d", b=len(images)).shape  # (1, 1, D) -> (B, 1, D)

# %% [markdown]
# A picture `(C, H, W)` is to stand **twice side by side**, as a whole. **Which right side does that, with `twice=2`?**
#
# - a) `c h (w twice)`
# - b) `c h (twice w)`
# - c) either: both make the same picture

# %% tags=["answer"] exercise="tile_or_enlarge"
### BEGIN SOLUTION
tile_or_enlarge = "b"
### STUB
# tile_or_enlarge = ...  # "a", "b" or "c"
### END SOLUTION

# %% tags=["check"] exercise="tile_or_enlarge"
lesson.check("tile_or_enlarge")

# %% [markdown]
# **Exercise.** `upsample(images, k)` makes a `k x k` square of each pixel: `(B, C, H, W)` -> `(B, C, H*k, W*k)`. By
# hand, with k = 2:
#
#            4 4 2 2
#     4 2 -> 4 4 2 2


# %% tags=["exercise"] exercise="upsample"
def upsample(images, k):
    """Blow each pixel up to a k x k square: (B, C, H, W) -> (B, C, H*k, W*k)."""
    ### BEGIN SOLUTION
    return repeat(images, "b c h w -> b c (h k1) (w k2)", k1=k, k2=k)
    ### END SOLUTION


# %% tags=["check"] exercise="upsample"
lesson.check("upsample")

# %% [markdown]
# Small and large again: this is what is left of a picture when only the means of 8 x 8 squares are known.

# %%
pooled = lesson.piece("average_pool")(images, 8)  # (B, C, H/8, W/8)
figures.show(lesson.piece("upsample")(pooled, 8), "The six pictures as mosaics of 12 x 16 plain squares")

# %% [markdown] tags=["ta-note"]
# **TA, not in the section.** Homework, or for pairs that are done early. The picture of the mosaics is a good still.
# - **They get wrong:** *tiled*: the whole picture stands there several times where each pixel should grow. *tiled along
#   the height* and *tiled along the width* are the same slip in one bracket only.
# - **Ask next:** Is pooling after upsampling the identity? (Yes.) And upsampling after pooling? (No: the detail is
#   lost.)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 7 · What a transformer needs: heads (9 min) ★
#
# Now without pictures. In a transformer, `x` holds tokens: `(batch, tokens, features)`, short `b n (h d)`, since the
# features are shared out to `h` attention heads of width `d`. Head 0 gets the first `d` features of every token, head 1
# the next `d`, and so on. Each head then works on its own, on all tokens: `(batch, heads, tokens, d)`.
#
# Take a batch of 2 with 50 tokens each and 192 features a token, `(2, 50, 192)`. **What shape does it have once its
# features are shared out to 3 heads?**

# %% tags=["answer"] exercise="shape_heads"
### BEGIN SOLUTION
shape_heads = (2, 3, 50, 64)
### STUB
# shape_heads = ...  # a tuple
### END SOLUTION

# %% tags=["check"] exercise="shape_heads"
lesson.check("shape_heads")

# %% [markdown]
# **Exercise.** Write `split_heads(x, heads)`: `(B, N, heads*d)` -> `(B, heads, N, d)`, head by head in blocks of `d`
# features.


# %% tags=["exercise"] exercise="split_heads"
def split_heads(x, heads):
    """Deal each token's features out to heads, in blocks: (B, N, heads*d) -> (B, heads, N, d)."""
    ### BEGIN SOLUTION
    return rearrange(x, "b n (h d) -> b h n d", h=heads)
    ### END SOLUTION


# %% tags=["check"] exercise="split_heads"
lesson.check("split_heads")

# %% [markdown] slideshow={"slide_type": "slide"}
# Two tokens of six features, three heads; a colour for each head. On the right, what `reshape` makes of it, in the very
# same shape:

# %%
tokens = torch.arange(12).reshape(1, 2, 6)  # (B, N, heads*d): token 0 holds 0 to 5, token 1 holds 6 to 11
split = lesson.piece("split_heads")(tokens, 3)  # (B, N, heads*d) -> (B, heads, N, d)
views = {"tokens": tokens[0], "split_heads": split[0], "reshape": tokens.reshape(1, 3, 2, 2)[0]}
figures.tables(views, [i % 6 // 2 for i in range(12)], "Split by heads each group has one colour; reshape mixes them")

# %% [markdown]
# With `split_heads` each head has one colour and a line for each token. With `reshape` a head holds features of two
# heads, and no error was raised: such a network even trains, and computes something else.
#
# **Exercise.** Write the way back, `merge_heads(x)`: `(B, heads, N, d)` -> `(B, N, heads*d)`.


# %% tags=["exercise"] exercise="merge_heads"
def merge_heads(x):
    """Put the heads of each token side by side again, undoing split_heads: (B, heads, N, d) -> (B, N, heads*d)."""
    ### BEGIN SOLUTION
    return rearrange(x, "b h n d -> b n (h d)")
    ### END SOLUTION


# %% tags=["check"] exercise="merge_heads"
lesson.check("merge_heads")

# %% [markdown]
# There and back again changes nothing. But beware: `reshape` there and `reshape` back changes nothing either, so a
# round trip alone proves nothing. That is why the check looks at each way by itself.

# %%
there, back = lesson.piece("split_heads"), lesson.piece("merge_heads")
torch.equal(back(there(tokens, 3)), tokens), torch.equal(tokens.reshape(1, 3, 2, 2).reshape(1, 2, 6), tokens)

# %% [markdown] tags=["ta-note"]
# **TA, 8 minutes.** The room answers `shape_heads` and writes `split_heads`; show `merge_heads` solved. The worksheet's
# last question belongs to part 8, which is homework: whoever is done early predicts, and the key has what was measured.
# - **They get wrong:** *view without transpose*: the shape is right and each head holds features of other tokens.
#   *heads interleaved*: `(d h)` for `(h d)`. In `merge_heads`, *merged without transposing back*: they join without
#   moving the heads behind the tokens.
# - **Ask next:** Would a model trained from scratch with `(d h)` in both places be worse? (No: it is a fixed renaming
#   of features. But published weights would no longer fit.)
# - **Run live:** `tokens = torch.arange(12)`: point at the colours of the right table: one head, two colours.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 8 · Measured: einops beside reshape and permute (6 min)
#
# Three ways to put a batch in a row, `(B, C, H, W)` -> `(C, H, B*W)`. All three run, all three give the same shape.

# %%
ways = {
    "einops": lambda x: rearrange(x, "b c h w -> c h (b w)"),
    "permute + reshape": lambda x: x.permute(1, 2, 0, 3).reshape(x.shape[1], x.shape[2], -1),
    "reshape alone": lambda x: x.reshape(x.shape[1], x.shape[2], -1),
}

# %% [markdown]
# **Predict: which of them give the same picture?**
#
# - a) all three: the shape is the same, so the picture is
# - b) the two that name or move axes; reshape alone puts most values elsewhere
# - c) the two without einops
# - d) no two of them

# %% tags=["predict"] exercise="predict_view"
### BEGIN SOLUTION
predict_view = "b"
### STUB
# predict_view = ...  # "a", "b", "c" or "d"
### END SOLUTION

# %% [markdown]
# The judge is none of the three: pictures laid side by side with `torch.cat`. On 200 random shapes we count the
# values that each way puts in their right place.


# %%
def right_places(way, seed):
    """Percent of the values that `way` puts in their right place, over 200 random shapes."""
    generator = torch.Generator().manual_seed(seed)
    right = total = 0
    for _ in range(200):
        sizes = torch.randint(2, 9, (4,), generator=generator).tolist()
        x = torch.randn(sizes, generator=generator)  # (B, C, H, W)
        side_by_side = torch.cat(list(x), dim=2)  # (C, H, B*W)
        right += (way(x) == side_by_side).sum().item()
        total += side_by_side.numel()
    return 100 * right / total


# %% tags=["experiment"]
result = lesson.experiment("predict_view", {name: partial(right_places, way) for name, way in ways.items()})
result

# %% tags=["compare"]
print(result.conclusion)

# %% [markdown]
# `permute` and `reshape` written by hand agree with einops in every single value. With `reshape` alone a value finds
# its right place by accident only, about 2 times in 100. On our pictures:

# %%
rows = {name: way(images) for name, way in ways.items()}
figures.show(rows["reshape alone"], "A strip in garish colours: the pictures squeezed flat, six times side by side")

# %% [markdown]
# The right shape, all the right numbers, and nothing in its place: red now shows pictures 0 and 1, green 2 and 3, blue
# 4 and 5, squeezed flat and six times over.

# %% [markdown]
# **For which of these patterns is `reshape` alone enough?**
#
# - a) `b c h w -> (b c) h w`
# - b) `b c h w -> b (h w) c`
# - c) `b c h w -> (c b) h w`
# - d) `b (c1 c2) h w -> b c2 c1 h w`

# %% tags=["answer"] exercise="when_reshape_alone"
### BEGIN SOLUTION
when_reshape_alone = "a"
### STUB
# when_reshape_alone = ...  # a letter
### END SOLUTION

# %% tags=["check"] exercise="when_reshape_alone"
lesson.check("when_reshape_alone")

# %% [markdown]
# The same comparison for each operation, against PyTorch's own functions on the same pictures, bit for bit:

# %%
pairs = {
    "transpose": (rearrange(images, "b c h w -> b c w h"), images.mT),
    "row": (rows["einops"], rows["permute + reshape"]),
    "brightest": (reduce(images, "b c h w -> b h w", "max"), images.amax(dim=1)),
    "tiles": (repeat(images, "b c h w -> b c (m h) (n w)", m=2, n=2), images.repeat(1, 1, 2, 2)),
}

# %% tags=["compare"]
for name, (by_pattern, by_hand) in pairs.items():
    print(f"{name}: {'equal' if torch.equal(by_pattern, by_hand) else 'different'}")

# %% [markdown]
# And what does the readable pattern cost? We time both ways in turns, on 120 pictures (18 MB) and on a tensor so tiny
# that only the call itself counts.


# %%
def times(batch, runs=40):
    """Seconds of each run of both right ways, taken in turns."""
    seconds = {"einops": [], "permute + reshape": []}
    for _ in range(runs):
        for name, runs_so_far in seconds.items():
            start = perf_counter()
            ways[name](batch)
            runs_so_far.append(perf_counter() - start)
    return seconds


# %% slideshow={"slide_type": "fragment"}
many = repeat(images, "b c h w -> (n b) c h w", n=20)  # (6, C, H, W) -> (120, C, H, W)
figures.race({"120 pictures": times(many), "one tiny tensor": times(torch.zeros(1, 1, 2, 2))})

# %% [markdown]
# On real sizes the copying is all the time there is, and both ways copy alike. Looking the pattern up costs a
# few microseconds a call, which shows only on the tiny tensor (it is parsed once and then remembered).

# %% [markdown] tags=["ta-note"]
# **TA, not in the section.** Collect predictions by show of hands before you run it.
# - **They get wrong:** Answer a), that the same shape is the same picture, is the belief on which most scrambled
#   batches rest. On a busy machine the dots of the race scatter: compare the bars.
# - **Ask next:** Why does `reshape` alone put any value in its right place at all? (By accident: the first value and a
#   few others happen to stay where they were.)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 9 · Play (3 min)
#
# Type a pattern, see the pictures move, and point at a pixel to see where it came from. Start with the guided walk,
# then try to predict each picture before you look. Can you write the pattern that cuts every picture into four quarters
# and lays all 24 in one row?

# %% tags=["explorer"]
explorer.explore(images)

# %% [markdown]
# Where will you need it? Here is the model of the lessons to come. Cutting a picture into patches is one `rearrange`;
# so are the heads of attention, and pooling can be a `reduce`.

# %%
whole_model(["patches", "attention", "pooling"], {"patches": "rearrange", "attention": "heads", "pooling": "reduce"})

# %% [markdown] tags=["ta-note"]
# **TA, not in the section.** The presets of the explorer hold the answers to several exercises, so open it after part
# 7.
# - **They get wrong:** The 24 quarters in a row: `b c (top h) (left w) -> h (b top left w) c`, with `top=2, left=2`.
#   Many put `w` first in the bracket.
# - **Ask next:** What does `(w b top left)` at the end show? (All quarters over one another: `w` is the slow factor
#   now, so their columns take turns.)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What you can say now
#
# - A pattern names what comes in and what goes out; brackets join on the right and split on the left, and **the right
#   factor in a bracket is the fast one**.
# - `rearrange` loses and adds nothing, `reduce` drops what is missing on the right, `repeat` copies along what is new.
# - `reshape` moves nothing: as soon as names change their order, it gives the right shape and the wrong picture.
#
# That is all of einops that a Vision Transformer takes. In lesson 01 one pattern cuts pictures into patches.
#
# **Further reading.** [einops basics](https://einops.rocks/1-einops-basics/) and
# [einops for PyTorch users](https://einops.rocks/pytorch-examples.html), by the author of the library; the paper:
# Rogozhnikov, [Einops: Clear and Reliable Tensor Manipulations with Einstein-like
# Notation](https://openreview.net/forum?id=oapKSVM2bcj), ICLR 2022.

# %% [markdown] tags=["progress"] slideshow={"slide_type": "skip"}
# Your way on from here: links lead to the next exercise that is open, in this lesson or a later one.

# %% tags=["progress"] slideshow={"slide_type": "skip"}
course()

# %% [markdown] tags=["worksheet"]
# A pattern such as `b c h w -> b c w h` names the axes of a tensor. **What does it do to the numbers in it?**
#
# ### `shape_column`
# Read the shapes on this page off the patterns. `x` has the shape `(10, 3, 32, 48)`: ten pictures, 3 channels, 32
# pixels high, 48 wide.
#
# > The bracket `(b h)` is one axis of 10 · 32 = 320: the ten pictures stand under one another.
#
# ### Walk along a bracket
# Two "pictures" of one row: `x` is [[a, b, c], [d, e, f]], with the axes `b w`. Write
# `rearrange(x, "b w -> (b w)")` into the left strip, `rearrange(x, "b w -> (w b)")` into the right one.
#
# ```grid Six empty cells for (b w)
# . . . . . .
# ```
# ```grid Six empty cells for (w b)
# . . . . . .
# ```
#
# > The right letter in a bracket moves faster. `(b w)` goes through a whole picture, then the next; `(w b)` takes
# > column 0 of each picture, then column 1 of each.
# >
# > ```grid a b c d e f
# > a b c d e f
# > ```
# > ```grid a d b e c f
# > a d b e c f
# > ```
#
# ### `bracket_order`
# Six pictures stand side by side in a strip: `rearrange(pictures, "b c h w -> c h (b w)")`. Now write `(w b)` in place
# of `(b w)`.
#
# > As in the task before: `b` is the fast letter now, so column 0 of all six pictures comes first, then column 1.
#
# ### `shape_split`
# > `b1` is 2, so `b2` = 10 / 2 = 5 stands first; the bracket `(b1 w)` is 2 · 48 = 96 wide.
#
# ### `shape_reduced`
# > 32 = h · 4, so `h` is 8. What stands on the left only, `c` and `four`, is reduced: gone.
#
# ### `shape_heads`
# In a Transformer a batch holds 2 sequences of 50 tokens with 192 features each, `(2, 50, 192)`. Each attention head is
# to get an equal part of the features of all tokens: `(batch, heads, tokens, features of a head)`.
#
# > `b n (h d) -> b h n d` with h = 3, so d = 192 / 3 = 64.
#
# ### `predict_view`
# Three ways to lay a batch `(B, C, H, W)` in a row: `rearrange(x, "b c h w -> c h (b w)")`;
# `x.permute(1, 2, 0, 3).reshape(C, H, -1)`; and `x.reshape(C, H, -1)` alone.
#
# > `reshape` never moves a number, it only counts them off anew. Here `b` has to move behind `h`, so something must
# > move first. Equal shapes prove nothing.
