# %% [markdown] slideshow={"slide_type": "slide"}
# # 01 · From patches to tokens
#
# A Transformer reads a sequence of vectors. A picture is a grid of pixels. In this lesson you build everything that
# lies between the two, and what comes after: a whole Vision Transformer, piece by piece, in some sixty lines of your
# own.
#
# It answers the first question of the discussion sheet that this course follows, how a ViT works: cut, project, join a
# class token, add positions, and then a plain Transformer encoder, which you will not take on trust either.
#
# Afterwards you can
# - cut pictures into patches and say why that is the same as a convolution,
# - write attention in one, then in several heads, and the block around it,
# - count the tokens, shapes and parameters of ViT-B/16 without running it,
# - train your own ViT, and load published weights into it.
#
# {{contents}}
#
# Parts marked ★ make up the 50-minute section. Write code where a cell says so, then run the check below it;
# `lesson.hint("patchify")` gives a hint, and asking again a bigger one.

# %% tags=["setup"]
import torch
import torch.nn.functional as F
from einops import rearrange
from torch import nn

from helpers.check import Lesson
from helpers.data import denormalise, fashion_mnist, photo
from helpers.figures import patches_to_tokens as figures
from helpers.figures.whole_model import VIT, whole_model

lesson = Lesson("01", globals())
lesson

# %% [markdown] slideshow={"slide_type": "slide"}
# The whole road, from left to right. You build every part of it.

# %%
whole_model(VIT[1:])

# %% [markdown] tags=["ta-note"]
# **TA, opening.** Open with the explorer of part 11 as a trailer: one picture, followed from pixels to a class. Ask
# what has to happen in between, and collect the words cut, project, position, attention. Parts 1, 5, 8 and 10 are the
# section; the others are homework. Nothing breaks without them, because later cells go on with the course's own pieces.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 1 · Pictures to patches (12 min) ★
#
# The first step is scissors. A picture of $H \times W$ pixels becomes a grid of $H/P$ rows and $W/P$ columns of
# patches, each $P \times P$ pixels, and the grid becomes a sequence.

# %%
cat = photo("chelsea")  # (C, H, W), between 0 and 1
cat.shape

# %% [markdown]
# A patch is flattened into one vector that holds all of its channels, $C \cdot P \cdot P$ numbers.
#
# By hand, with one channel and $P = 2$:
#
#      0  1 |  2  3
#      4  5 |  6  7        upper row of the grid: the patches (0, 1, 4, 5) and (2, 3, 6, 7)
#     ------+------
#      8  9 | 10 11        lower row of the grid: (8, 9, 12, 13) and (10, 11, 14, 15)
#     12 13 | 14 15
#
# Two orders are a matter of convention, so every text has to say them. Here
# - the sequence runs over the grid **{{sequence_words}}**,
# - within a patch, **{{patch_words}}** (and pixels as one reads a page).
#
# **Task.** `patchify(images, patch_size)` turns pictures `(B, C, H, W)` into patches `(B, N, C*P*P)`. Pictures need
# not be square. `rearrange` of lesson 00 does it in one line.


# %% tags=["exercise"] exercise="patchify"
def patchify(images, patch_size):
    """Cut pictures into a sequence of flattened patches.

    images: (B, C, H, W); patch_size: side P of a patch in pixels
    Returns (B, N, C*P*P), N = (H/P) * (W/P)
    """
    ### BEGIN SOLUTION
    ### sequence: row-major, patch: channel-first
    return rearrange(images, "b c (h p1) (w p2) -> b (h w) (c p1 p2)", p1=patch_size, p2=patch_size)
    ### sequence: row-major, patch: channel-last
    return rearrange(images, "b c (h p1) (w p2) -> b (h w) (p1 p2 c)", p1=patch_size, p2=patch_size)
    ### sequence: column-major, patch: channel-first
    return rearrange(images, "b c (h p1) (w p2) -> b (w h) (c p1 p2)", p1=patch_size, p2=patch_size)
    ### sequence: column-major, patch: channel-last
    return rearrange(images, "b c (h p1) (w p2) -> b (w h) (p1 p2 c)", p1=patch_size, p2=patch_size)
    ### END SOLUTION


# %% tags=["check"] exercise="patchify"
lesson.check("patchify")

# %% [markdown]
# Now look at what it makes of the photograph: each row of the result, drawn as a patch.

# %%
cut = lesson.piece("patchify")

# %% slideshow={"slide_type": "fragment"}
patches = cut(cat[None], 56)  # (1, C, H, W) -> (1, N, C*P*P)
figures.cut_apart(cat, patches[0], 56)

# %% [markdown]
# Row 0 of the tensor is the first patch, and so on: the grid has become a list. Nothing but the order of the list now
# says which patches were neighbours.
#
# How many? The paper is called *An Image is Worth 16x16 Words*, and this class's discussion sheet speaks of a 16x16
# grid and of 256 patches. Careful: in the paper a *patch* has 16x16 *pixels*. **How many patches does a 224x224 picture
# give then?**

# %% tags=["answer"] exercise="tokens_b16"
### BEGIN SOLUTION
tokens_b16 = 196
### STUB
# tokens_b16 = ...  # a number
### END SOLUTION

# %% tags=["check"] exercise="tokens_b16"
lesson.check("tokens_b16")

# %% [markdown]
# So where do 256 patches come from? In two ways. First: keep the picture at 224 pixels. **Which side must a patch
# have?**

# %% tags=["answer"] exercise="patch_pixels_256"
### BEGIN SOLUTION
patch_pixels_256 = 14
### STUB
# patch_pixels_256 = ...  # pixels
### END SOLUTION

# %% tags=["check"] exercise="patch_pixels_256"
lesson.check("patch_pixels_256")

# %% [markdown]
# Second: keep the patches at 16 pixels. Which side must the picture have?

# %% tags=["answer"] exercise="picture_pixels_256"
### BEGIN SOLUTION
picture_pixels_256 = 256
### STUB
# picture_pixels_256 = ...  # pixels
### END SOLUTION

# %% tags=["check"] exercise="picture_pixels_256"
lesson.check("picture_pixels_256")

# %% [markdown]
# Both exist: [Scaling Vision Transformers](https://arxiv.org/abs/2106.04560) uses the first for its largest model.
# Where this course says 256 patches it means one of these two, and where it says patch 16 it means pixels.

# %% [markdown] tags=["ta-note"]
# **TA, 12 minutes.** The room writes `patchify` and answers the three questions. The next cell draws the course's own
# patches until theirs are right. To see a wrong result, let them draw it in a new cell:
# `figures.cut_apart(cat, patchify(cat[None], 56)[0], 56)`.
# - **They get wrong:** The two classics are *subsampled pictures*, `(p1 h)` for `(h p1)`, which gives thinned-out
#   copies of the whole picture, and *view without permute*, a bare `reshape`. The most instructive one is *a grid of
#   patch_size x patch_size patches*: that is how the sheet's sentence reads.
# - **Ask next:** What is lost when a picture becomes a list? (Nothing, as long as the order is known: lesson 02. The
#   model does not know it: lesson 05.)
# - **Run live:** `patches = cut(cat[None], 56)`: each row of the result, drawn as a patch. Count along the first row.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 2 · And back (10 min)
#
# **Task.** `unpatchify(patches, patch_size, image_size)` puts the pictures together again, with `image_size = (H, W)`.
# The patches come {{sequence_words}}, their numbers {{patch_words}}. How many channels there are follows from
# the length of a patch. You will need it in lesson 07, to see what a masked autoencoder paints.


# %% tags=["exercise"] exercise="unpatchify"
def unpatchify(patches, patch_size, image_size):
    """Put pictures together again: undoes patchify.

    patches: (B, N, C*P*P); patch_size: side P in pixels; image_size: (H, W) in pixels
    Returns (B, C, H, W)
    """
    ### BEGIN SOLUTION
    height, width = image_size
    return rearrange(
        patches,
        "b (h w) (c p1 p2) -> b c (h p1) (w p2)",  ### sequence: row-major, patch: channel-first
        "b (h w) (p1 p2 c) -> b c (h p1) (w p2)",  ### sequence: row-major, patch: channel-last
        "b (w h) (c p1 p2) -> b c (h p1) (w p2)",  ### sequence: column-major, patch: channel-first
        "b (w h) (p1 p2 c) -> b c (h p1) (w p2)",  ### sequence: column-major, patch: channel-last
        h=height // patch_size,
        w=width // patch_size,
        p1=patch_size,
        p2=patch_size,
    )
    ### END SOLUTION


# %% tags=["check"] exercise="unpatchify"
lesson.check("unpatchify")

# %% [markdown]
# There and back is a tempting test: whatever comes back equal must have been right. Try it with a `patchify` that is
# plainly wrong, a bare `reshape`.

# %%
wrong = cat.reshape(1, 24, -1)  # "patches": (1, N, C*P*P), the right shape
torch.equal(wrong.reshape(cat.shape), cat)

# %%
figures.cut_apart(cat, wrong[0], 56)

# %% [markdown]
# A bare `reshape` to `(1, N, C*P*P)` and back: the round trip succeeds, and the "patches" are rows of pixels. **Say in
# two or three sentences** why the round trip proves nothing about `patchify`, and what would.

# %% [markdown] tags=["answer"] exercise="round_trip"
# ### BEGIN SOLUTION
# Any rearrangement that loses no number can be undone, the wrong ones too: a bare reshape, a transposed grid, another
# order within the patch. The round trip only shows that the two functions are each other's inverse. What patchify
# does has to be compared with something that does not use it: cut one patch out by slicing, `images[:, :, 0:P,
# P:2*P]`, and compare it with the row of the result that should hold it.
# ### STUB
# *Write your answer here.*
# ### END SOLUTION

# %% [markdown] tags=["ta-note"]
# **TA, not in the section.** Homework. The still of the wrong patches after a perfect round trip is worth a minute.
# - **They get wrong:** *width before height*: `image_size` is (H, W), as in a tensor. *only square grids*: the root of
#   N in place of the given size. *undoes subsampling*: a round trip that works, with both halves wrong.
# - **Ask next:** What would prove that a `patchify` is right, if a round trip does not? (Compare one patch with the
#   pixels that were cut out by slicing.)

# %% [markdown]
# ## 3 · One linear map for all patches (11 min)
#
# Next, each patch becomes a token: a vector of the model's width $D$. One linear map does it, the same for all patches:
# $z = W x + b$ (the $E$ in equation 1 of the paper, which leaves out the bias). Looking at each patch with the same
# weights, moving on by a whole patch: that is a convolution with kernel $P$ and stride $P$.
#
# **Task.** `linear_to_conv(weight, channels, patch_size)` turns the weight of `nn.Linear(C*P*P, D)` into the kernel
# `(D, C, P, P)` of the convolution that is the same map. Nothing has to be computed: every number has its place. A row
# of the weight has one number for each of a flattened patch, in the same order ({{patch_words}}).


# %% tags=["exercise"] exercise="linear_to_conv"
def linear_to_conv(weight, channels, patch_size):
    """The kernel of the stride-P convolution that is the same map as a linear layer on flattened patches.

    weight: (D, C*P*P); channels: C; patch_size: side P in pixels
    Returns (D, C, P, P)
    """
    ### BEGIN SOLUTION
    ### patch: channel-first
    return rearrange(weight, "d (c p1 p2) -> d c p1 p2", c=channels, p1=patch_size, p2=patch_size)
    ### patch: channel-last
    return rearrange(weight, "d (p1 p2 c) -> d c p1 p2", c=channels, p1=patch_size, p2=patch_size)
    ### END SOLUTION


# %% tags=["check"] exercise="linear_to_conv"
lesson.check("linear_to_conv")

# %% [markdown]
# Is it the same map, then? Here is the photograph, once through a linear layer on patches, once through the
# convolution.

# %%
to_kernel = lesson.piece("linear_to_conv")
linear = nn.Linear(3 * 16 * 16, 64, bias=False)

# %%
by_linear = linear(cut(cat[None], 16))  # (1, N, C*P*P) -> (1, N, D)
by_conv = F.conv2d(cat[None], to_kernel(linear.weight, 3, 16), stride=16)  # (1, D, H/P, W/P)

# %% tags=["compare"]
first = torch.allclose(by_linear[0, 0], by_conv[0, :, 0, 0], atol=1e-5)
last = torch.allclose(by_linear[0, -1], by_conv[0, :, -1, -1], atol=1e-5)
print(f"Linear layer on patches = stride-16 convolution: first token {first}, last token {last}")

# %% [markdown]
# The same numbers in another arrangement: `by_conv` still is a grid, `by_linear` a sequence.

# %% [markdown]
# **Task.** `PatchEmbed(patch_size, channels, dim)`: a module whose only part is the convolution `proj`; it takes
# pictures and returns tokens `(B, N, dim)`, {{sequence_words}}.


# %% tags=["exercise"] exercise="PatchEmbed"
class PatchEmbed(nn.Module):
    """Pictures to patch tokens: (B, C, H, W) -> (B, N, dim)."""

    def __init__(self, patch_size, channels, dim):
        super().__init__()
        ### BEGIN SOLUTION
        self.proj = nn.Conv2d(channels, dim, kernel_size=patch_size, stride=patch_size)
        ### END SOLUTION

    def forward(self, images):
        ### BEGIN SOLUTION
        return rearrange(self.proj(images), "b d h w -> b (h w) d")  ### sequence: row-major
        return rearrange(self.proj(images), "b d h w -> b (w h) d")  ### sequence: column-major
        ### END SOLUTION


# %% tags=["check"] exercise="PatchEmbed"
lesson.check("PatchEmbed")

# %% [markdown]
# From here on names matter. They are those of the library timm (`proj`, later `qkv`, `norm1`, `mlp.fc1`, ...), so
# that at the end published weights load into *your* class.

# %% [markdown] tags=["ta-note"]
# **TA, not in the section.** Homework. Tie it to lesson 08, which puts something else in the place of this convolution.
# - **They get wrong:** *kernel flipped*: PyTorch's Conv2d is a cross-correlation and mirrors nothing. *another order
#   within a patch*: rows of the weight read as `(p1 p2 c)`. In `PatchEmbed`, *channels where tokens belong*: (B, D, N)
#   for (B, N, D).
# - **Ask next:** Does a ViT "contain no convolutions"? (It has one, with a kernel as large as its stride.)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 4 · What joins the patches (3 min)
#
# Two more things are learned before the first block, and neither is computed from the picture. A **class token**: one
# vector, joined to the sequence of every picture, whose last state the classifier will read. And **positions**: one
# vector for each place in the sequence, added to the token that stands there.
#
# What does the class token know about the picture, before the first block?
# - a) nothing: it is the same vector for every picture
# - b) the mean of the patch tokens
# - c) the class of the picture, which training puts there

# %% tags=["answer"] exercise="class_token_start"
### BEGIN SOLUTION
class_token_start = "a"
### STUB
# class_token_start = ...  # "a", "b" or "c"
### END SOLUTION

# %% tags=["check"] exercise="class_token_start"
lesson.check("class_token_start")

# %% [markdown]
# So whatever it says in the end, it has gathered from the other tokens on the way. How do tokens tell each other
# anything? Through attention, and nowhere else in the model.

# %% [markdown] tags=["ta-note"]
# **TA, not in the section.** One question, two minutes at home.
# - **They get wrong:** Who takes b) or c) gives the class token a picture before it has met one. It is a parameter, the
#   same for every picture.
# - **Ask next:** From where does it get what it says in the end? (From the other tokens, through attention and nowhere
#   else.)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 5 · Attention (11 min) ★
#
# Each token asks a question (its *query* $q$), each token shows what it is about (its *key* $k$), and has something
# to say (its *value* $v$). A query is compared with every key; the better they fit, the more of that value is taken:
#
# $$\mathrm{attention}(q, k, v) = \mathrm{softmax}\!\left(\frac{q k^\top}{\sqrt{d}}\right) v$$
#
# By hand, with one query and two keys, $d = 4$: let the dot products be 6 and 2. Divided by $\sqrt 4$ they are 3 and
# 1; the softmax makes 0.88 and 0.12 of them; the result is 0.88 of the first value and 0.12 of the second.
#
# **Task.** `attention(q, k, v)`, for queries `(..., N, d)`, keys `(..., M, d)` and values `(..., M, e)`; the result
# is `(..., N, e)`. The dots are batch, heads, or nothing at all, so count axes from the end. Use plain tensor
# operations: it is three lines.


# %% tags=["exercise"] exercise="attention"
def attention(q, k, v):
    """Scaled dot-product attention.

    q: (..., N, d), k: (..., M, d), v: (..., M, e)
    Returns (..., N, e)
    """
    ### BEGIN SOLUTION
    scores = q @ k.transpose(-2, -1) / q.shape[-1] ** 0.5  # (..., N, M)
    weights = scores.softmax(dim=-1)  # each row sums to 1
    return weights @ v  # (..., N, e)
    ### END SOLUTION


# %% tags=["check"] exercise="attention"
lesson.check("attention")

# %% [markdown]
# Why the root of $d$? Draw queries and keys at random, and watch the spread of their dot products as they get longer.

# %%
for d in (4, 64, 1024):
    q, k = torch.randn(2, 10_000, d)
    print(f"d = {d:4}: dot products have a spread of {(q * k).sum(-1).std():.0f}")

# %% [markdown]
# A softmax over numbers 32 apart gives all its weight to one key, and hardly any gradient comes through. **Why are
# the scores divided by $\sqrt d$?**
# - a) so that the weights of a query sum to 1
# - b) so that the scores keep a spread of about 1 whatever $d$ is
# - c) so that the result has the length of a value
# - d) so that fewer operations are needed

# %% tags=["answer"] exercise="why_scale"
### BEGIN SOLUTION
why_scale = "b"
### STUB
# why_scale = ...  # "a", "b", "c" or "d"
### END SOLUTION

# %% tags=["check"] exercise="why_scale"
lesson.check("why_scale")

# %% [markdown] tags=["ta-note"]
# **TA, 11 minutes.** The room writes `attention`; say the three steps aloud first: scores, softmax, average.
# - **They get wrong:** *no scale*, and a softmax over the wrong axis: *softmax over axis 1* runs over the heads, and
#   *softmax over the queries* makes columns sum to 1 where rows should. *axes counted from the front*:
#   `transpose(1, 2)` works for three axes and not for four.
# - **Ask next:** What does attention return if all scores are equal? (The mean of the values: remember it for lesson
#   06.) And if one score is huge? (One value, copied.)
# - **Run live:** `for d in (4, 64, 1024):`: the spread of the dot products grows as the root of d. Then vote on
#   `why_scale`.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 6 · Several heads (14 min)
#
# One softmax can look at one thing at a time. So the width is split into heads, each with its own short queries, keys
# and values of $d = D / \text{heads}$ numbers. All of them attend side by side, and their results are joined again.
#
# **Task.** `MultiHeadSelfAttention(dim, heads)` with two linear layers, both with bias:
# 1. `qkv`, from `dim` to `3*dim`: all queries, then all keys, then all values; within each, head by head (a head is a
#    run of $d$ neighbouring features);
# 2. your `attention` in every head;
# 3. the heads joined in the same order, and `proj`, from `dim` to `dim`.


# %% tags=["exercise"] exercise="MultiHeadSelfAttention"
class MultiHeadSelfAttention(nn.Module):
    """Every token looks at every token, in several heads: (B, N, dim) -> (B, N, dim)."""

    def __init__(self, dim, heads):
        super().__init__()
        ### BEGIN SOLUTION
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)
        ### END SOLUTION

    def forward(self, x):
        ### BEGIN SOLUTION
        # (B, N, 3*D) -> 3 x (B, heads, N, d)
        q, k, v = rearrange(self.qkv(x), "b n (three h d) -> three b h n d", three=3, h=self.heads)
        x = attention(q, k, v)  # (B, heads, N, d)
        return self.proj(rearrange(x, "b h n d -> b n (h d)"))  # (B, heads, N, d) -> (B, N, D)
        ### END SOLUTION


# %% tags=["check"] exercise="MultiHeadSelfAttention"
lesson.check("MultiHeadSelfAttention")

# %% [markdown]
# ViT-B/16 has 12 heads of 64 features. **With 6 heads in place of 12 (and the same width), how many parameters would
# its attention layers have?** a) half as many, b) as many, c) twice as many

# %% tags=["answer"] exercise="fewer_heads"
### BEGIN SOLUTION
fewer_heads = "b"
### STUB
# fewer_heads = ...  # "a", "b" or "c"
### END SOLUTION

# %% tags=["check"] exercise="fewer_heads"
lesson.check("fewer_heads")

# %% [markdown] tags=["ta-note"]
# **TA, not in the section.** Homework, the longest of the lesson. The bug of the day joins the heads with a bare
# `reshape`: shapes fit, and training even works a little.
# - **They get wrong:** *heads merged without transposing back*: the shape is right, the tokens are scrambled. *heads
#   interleaved*: `(d h)` for `(h d)`. *scale by the width of the model*: each head has a query of its own, dim / heads
#   long.
# - **Ask next:** Why does `fewer_heads` not change the number of parameters? (Each head becomes wider: `qkv` and `proj`
#   keep their shapes.)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 7 · The encoder block (12 min)
#
# Attention moves information *between* tokens. An MLP then works on *each token by itself*. Both are put beside a
# straight road, the residual path: what they compute is added to what came in (equations 2 and 3 of the paper).
#
# $$z' = z + \mathrm{MSA}(\mathrm{LN}(z)) \qquad z'' = z' + \mathrm{MLP}(\mathrm{LN}(z'))$$
#
# Note where the norm stands: at the entrance of each branch ("pre-norm"), not on the road.
#
# **Task.** `EncoderBlock(dim, heads, mlp_ratio=4)` with the parts `norm1`, `attn`, `norm2`, `mlp`. The norms are
# `nn.LayerNorm` with `eps=1e-6`. The `mlp` has two linear layers `fc1` and `fc2` with a hidden width of `dim *
# mlp_ratio`, and the exact GELU between them.


# %% tags=["exercise"] exercise="EncoderBlock"
class MLP(nn.Module):
    """Each token by itself through one wider layer: (B, N, dim) -> (B, N, dim)."""

    def __init__(self, dim, hidden):
        super().__init__()
        ### BEGIN SOLUTION
        self.fc1 = nn.Linear(dim, hidden)
        self.fc2 = nn.Linear(hidden, dim)
        ### END SOLUTION

    def forward(self, x):
        ### BEGIN SOLUTION
        return self.fc2(F.gelu(self.fc1(x)))  # (B, N, D) -> (B, N, hidden) -> (B, N, D)
        ### END SOLUTION


class EncoderBlock(nn.Module):
    """Attention, then an MLP, each on normalised tokens and added to what came in: (B, N, dim) -> (B, N, dim)."""

    def __init__(self, dim, heads, mlp_ratio=4):
        super().__init__()
        ### BEGIN SOLUTION
        self.norm1 = nn.LayerNorm(dim, eps=1e-6)
        self.attn = MultiHeadSelfAttention(dim, heads)
        self.norm2 = nn.LayerNorm(dim, eps=1e-6)
        self.mlp = MLP(dim, int(dim * mlp_ratio))
        ### END SOLUTION

    def forward(self, x):
        ### BEGIN SOLUTION
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))
        ### END SOLUTION


# %% tags=["check"] exercise="EncoderBlock"
lesson.check("EncoderBlock")

# %% [markdown]
# That this is a plain Transformer encoder is now a claim that you can test. PyTorch ships such a layer; give it the
# weights of your block.

# %%
block = lesson.piece("EncoderBlock")(64, 4).double()
stock = nn.TransformerEncoderLayer(
    64, 4, 256, dropout=0, activation="gelu", layer_norm_eps=1e-6, batch_first=True, norm_first=True
).double()

# %% [markdown]
# The two call the same things by other names, and PyTorch keeps `qkv` as one matrix too.

# %%
names = {"self_attn.in_proj_": "attn.qkv.", "self_attn.out_proj.": "attn.proj.", "linear": "mlp.fc", "norm": "norm"}
ours = block.state_dict()
for name in stock.state_dict():
    theirs = next(prefix for prefix in names if name.startswith(prefix))
    stock.get_parameter(name).data.copy_(ours[name.replace(theirs, names[theirs])])

# %% tags=["compare"]
x = torch.randn(2, 17, 64, dtype=torch.float64)
gap = (block(x) - stock(x)).abs().max().item()
print("The block equals torch.nn.TransformerEncoderLayer, given the same weights:", gap < 1e-12)

# %% [markdown] tags=["ta-note"]
# **TA, not in the section.** Homework. Draw the block as a straight road with two side streets.
# - **They get wrong:** *norm after the residual*: post-norm, from memory of the figure of 2017. *residual from the
#   normalised tokens*: `x = self.norm1(x)` overwrites what the residual should carry on.
# - **Ask next:** What would the block do with all weights at zero? (Nothing: it is the identity. That is why depth can
#   be trained at all.)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 8 · The Vision Transformer (15 min) ★
#
# All pieces are there. `ViT(image_size, patch_size, channels, num_classes, dim, depth, heads, mlp_ratio=4)` puts them
# together; `image_size` is `(H, W)`, or one number for a square picture. On the way from pictures to logits:
#
# 1. `patch_embed`, a `PatchEmbed`: `(B, N, D)`, {{sequence_words}};
# 2. `cls_token`, a parameter `(1, 1, D)`, joins each sequence and stands **{{class_token_words}}**: `(B, 1+N, D)`;
# 3. `pos_embed`, a parameter `(1, 1+N, D)`, is added;
# 4. `blocks`, an `nn.ModuleList` of `depth` encoder blocks;
# 5. `norm`, a LayerNorm with `eps=1e-6`;
# 6. `head`, a linear layer, reads the class token: `(B, num_classes)`.
#
# `nn.Parameter(torch.zeros(...))` makes a parameter. Zeros will do for the class token; draw the positions small
# (`0.02 * torch.randn(...)`).
#
# Came here by the ★ parts? Read part 4 first (3 minutes), and take the two pieces that you skipped from the course:
# run `PatchEmbed, EncoderBlock = lesson.piece("PatchEmbed"), lesson.piece("EncoderBlock")` in a cell of its own.


# %% tags=["exercise"] exercise="ViT"
class ViT(nn.Module):
    """Vision Transformer: (B, C, H, W) -> logits (B, num_classes)."""

    def __init__(self, image_size, patch_size, channels, num_classes, dim, depth, heads, mlp_ratio=4):
        super().__init__()
        ### BEGIN SOLUTION
        height, width = (image_size, image_size) if isinstance(image_size, int) else image_size
        tokens = (height // patch_size) * (width // patch_size)
        self.patch_embed = PatchEmbed(patch_size, channels, dim)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.pos_embed = nn.Parameter(0.02 * torch.randn(1, 1 + tokens, dim))
        self.blocks = nn.ModuleList([EncoderBlock(dim, heads, mlp_ratio) for _ in range(depth)])
        self.norm = nn.LayerNorm(dim, eps=1e-6)
        self.head = nn.Linear(dim, num_classes)
        ### END SOLUTION

    def forward(self, images):
        ### BEGIN SOLUTION
        x = self.patch_embed(images)  # (B, C, H, W) -> (B, N, D)
        class_tokens = self.cls_token.expand(len(x), -1, -1)  # (1, 1, D) -> (B, 1, D)
        x = torch.cat([class_tokens, x], dim=1) + self.pos_embed  # (B, 1+N, D)  ### class_token: first
        x = torch.cat([x, class_tokens], dim=1) + self.pos_embed  # (B, N+1, D)  ### class_token: last
        for block in self.blocks:
            x = block(x)
        ### class_token: first
        return self.head(self.norm(x)[:, 0])  # (B, 1+N, D) -> (B, D) -> (B, num_classes)
        ### class_token: last
        return self.head(self.norm(x)[:, -1])  # (B, N+1, D) -> (B, D) -> (B, num_classes)
        ### END SOLUTION


# %% tags=["check"] exercise="ViT"
lesson.check("ViT")

# %% [markdown]
# Give it the whole cat, which is not square: 14 x 21 patches of 16 pixels. Its three logits mean nothing yet.

# %%
VisionTransformer = lesson.piece("ViT")
model = VisionTransformer((224, 336), 16, 3, num_classes=3, dim=64, depth=2, heads=4)
model(cat[None])

# %% [markdown] tags=["ta-note"]
# **TA, 11 minutes.** Say first what the homework of parts 4 and 7 would have said: the class token is one learned
# vector, the same for every picture, whose last state the head reads; positions are learned vectors, one for each
# place; a block is attention and an MLP, each added to what came in. Do not have `ViT` typed: scroll the solved cell up
# from below the edge of the window, and let the room say each next line before it shows. Run the check at the end.
# - **They get wrong:** *positions off by one*: positions are added before the class token joins, the classic, and the
#   check names it. *one class token for the whole batch*: it is not expanded along the batch and works for one picture
#   only. *no final norm*.
# - **Ask next:** Which line would you change to make it a text classifier? (Only the first: `patch_embed` becomes a
#   table of word vectors.)
# - **Run live:** `ViT`, `VisionTransformer = lesson.piece("ViT")`: the class in the order in which a picture passes
#   through it; then the whole cat, which is not square, gives three logits.

# %% [markdown]
# ## 9 · ViT-B/16 on paper (16 min)
#
# *B/16* is the paper's base model with patches of 16 pixels: width 768, 12 blocks, 12 heads, `mlp_ratio` 4, 1000
# classes, RGB pictures of 224 x 224. Without running it: how long is the sequence that enters its first block?

# %% tags=["answer"] exercise="sequence_b16"
### BEGIN SOLUTION
sequence_b16 = 197
### STUB
# sequence_b16 = ...  # a number
### END SOLUTION

# %% tags=["check"] exercise="sequence_b16"
lesson.check("sequence_b16")

# %% [markdown]
# A batch of 8 pictures goes in. Give the shape, as a tuple such as `(8, 3, 224, 224)`, of what `patchify` gives:

# %% tags=["answer"] exercise="shape_patches"
### BEGIN SOLUTION
shape_patches = (8, 196, 768)
### STUB
# shape_patches = ...  # a tuple
### END SOLUTION

# %% tags=["check"] exercise="shape_patches"
lesson.check("shape_patches")

# %% [markdown]
# ... of all the attention weights (after the softmax) in one block:

# %% tags=["answer"] exercise="shape_attention"
### BEGIN SOLUTION
shape_attention = (8, 12, 197, 197)
### STUB
# shape_attention = ...  # a tuple
### END SOLUTION

# %% tags=["check"] exercise="shape_attention"
lesson.check("shape_attention")

# %% [markdown]
# ... of the hidden layer in a block's MLP (between `fc1` and `fc2`):

# %% tags=["answer"] exercise="shape_hidden"
### BEGIN SOLUTION
shape_hidden = (8, 197, 3072)
### STUB
# shape_hidden = ...  # a tuple
### END SOLUTION

# %% tags=["check"] exercise="shape_hidden"
lesson.check("shape_hidden")

# %% [markdown]
# ... and of what the head reads:

# %% tags=["answer"] exercise="shape_read"
### BEGIN SOLUTION
shape_read = (8, 768)
### STUB
# shape_read = ...  # a tuple
### END SOLUTION

# %% tags=["check"] exercise="shape_read"
lesson.check("shape_read")

# %% [markdown]
# Now the parameters, part by part. A linear layer from $a$ to $b$ has $ab + b$ of them; a LayerNorm over $D$ features
# has $2D$, a scale and a shift each. Everything before the first block (projection, class token, positions):

# %% tags=["answer"] exercise="parameters_tokens"
### BEGIN SOLUTION
parameters_tokens = (16 * 16 * 3 * 768 + 768) + 768 + 197 * 768
### STUB
# parameters_tokens = ...  # a number, or a sum that Python works out
### END SOLUTION

# %% tags=["check"] exercise="parameters_tokens"
lesson.check("parameters_tokens")

# %% [markdown]
# **How many parameters has one block?**

# %% tags=["answer"] exercise="parameters_block"
### BEGIN SOLUTION
norms = 2 * (2 * 768)
attention_layers = (768 * 2304 + 2304) + (768 * 768 + 768)
mlp_layers = (768 * 3072 + 3072) + (3072 * 768 + 768)
parameters_block = norms + attention_layers + mlp_layers
### STUB
# parameters_block = ...  # a number, or a sum that Python works out
### END SOLUTION

# %% tags=["check"] exercise="parameters_block"
lesson.check("parameters_block")

# %% [markdown]
# And the whole model, to the last one (do not forget what comes after the blocks):

# %% tags=["answer"] exercise="parameters_b16"
### BEGIN SOLUTION
parameters_b16 = parameters_tokens + 12 * parameters_block + 2 * 768 + (768 * 1000 + 1000)
### STUB
# parameters_b16 = ...  # a number, or a sum that Python works out
### END SOLUTION

# %% tags=["check"] exercise="parameters_b16"
lesson.check("parameters_b16")

# %% [markdown]
# Let your own class confirm it. On PyTorch's `meta` device tensors have shapes and no numbers, so the whole model
# costs nothing.

# %%
with torch.device("meta"):
    vit_b16 = VisionTransformer(224, 16, 3, 1000, 768, 12, 12)

# %% tags=["compare"]
from helpers.papers import VIT_B16_PARAMETERS

print(f"{sum(p.numel() for p in vit_b16.parameters()):,} parameters")
print(f"{VIT_B16_PARAMETERS.source}: {VIT_B16_PARAMETERS.says}")

# %% [markdown]
# To the last parameter. And where are they?

# %%
parts = {"patch_embed": 0, "cls_token": 0, "pos_embed": 0, "attn": 0, "mlp": 0, "norm": 0, "head": 0}
for name, parameter in vit_b16.named_parameters():
    parts[next(part for part in parts if part in name)] += parameter.numel()
figures.parameters(parts)

# %% [markdown]
# Two thirds sit in the MLPs, the layers in which tokens do *not* see each other. What is special about a ViT, patches
# and positions, takes less than 1%.

# %% [markdown] tags=["ta-note"]
# **TA, not in the section.** Homework. Teach the quick estimate: a block has about 12 D² parameters (4 D² in attention,
# 8 D² in the MLP), so twelve of them have 12 · 12 · 768² ≈ 85 M.
# - **They get wrong:** Forgotten biases, the class token's own position, the final norm: the check names each.
# - **Ask next:** Where do most parameters of a ViT sit? (Two thirds in the MLPs, the layers in which tokens do not see
#   each other.)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 10 · Train it (12 min) ★
#
# Fashion-MNIST: 28 x 28 grey pictures of ten kinds of garment, 12,000 to learn from, 2,000 to be tested on.

# %%
from helpers.train import best_device, evaluate, fit

train, test = fashion_mnist("train"), fashion_mnist("test")
tested = (test.images, test.labels)
train

# %% [markdown]
# Your ViT gets patches of 7 pixels, so 16 tokens, and is small enough for a laptop (on a GPU a larger one is trained).
# Beside it stands the plainest classifier there is: one linear layer on the 784 pixels.

# %%
gpu = best_device().type != "cpu"
size = (28, 4, 1, 10, 192, 6, 6) if gpu else (28, 7, 1, 10, 64, 2, 4)  # the arguments of ViT
builders = {
    "linear layer": lambda: nn.Sequential(nn.Flatten(), nn.Linear(28 * 28, 10)),
    "ViT": lambda: VisionTransformer(*size),
}

# %% [markdown] slideshow={"slide_type": "fragment"}
# **Predict first.** Chance is 10%. Each model learns once from 1,000 pictures and once from all 12,000 (and sees each
# of them as often as it takes). Which is better on the test pictures?
# - a) the ViT, after 1,000 training pictures as after 12,000
# - b) the linear layer after 1,000 training pictures, the ViT after 12,000
# - c) the linear layer, after 1,000 training pictures as after 12,000

# %% tags=["predict"] exercise="predict_learning"
### BEGIN SOLUTION
predict_learning = "b"
### STUB
# predict_learning = ...  # "a", "b" or "c"
### END SOLUTION

# %% [markdown]
# One run: build the model from a seed, train it, and take its accuracy on the test pictures in percent.

# %%
models, histories = {}, {}


def run(kind, count, epochs, seed):
    torch.manual_seed(seed)
    model = builders[kind]()
    name = f"{kind}, {count:,} pictures"
    if epochs:
        images, labels = train.images[:count], train.labels[:count]
        histories[name] = fit(model, images, labels, test=tested, epochs=epochs, lr=2e-3, seed=seed)
    models[name] = model
    return evaluate(model, *tested)


# %% tags=["experiment"]
few, many = (40, 30) if gpu else (30, 10)  # epochs on 1,000 and on 12,000 pictures
result = lesson.experiment(
    "predict_learning",
    {
        "untrained ViT": lambda seed: run("ViT", 0, 0, seed),
        "linear layer, 1,000 pictures": lambda seed: run("linear layer", 1_000, few, seed),
        "ViT, 1,000 pictures": lambda seed: run("ViT", 1_000, few, seed),
        "linear layer, 12,000 pictures": lambda seed: run("linear layer", 12_000, many, seed),
        "ViT, 12,000 pictures": lambda seed: run("ViT", 12_000, many, seed),
    },
)
result

# %% tags=["compare"]
print(result.conclusion)

# %%
figures.learning_curves(histories)

# %% [markdown]
# A ViT learns. But mind the second line of the conclusion: with few pictures the plain linear layer wins. Look at the
# loss of the ViT on 1,000 pictures: it goes almost to zero, so the model knows them by heart, and the test accuracy
# stays where it is. A linear layer has 7,850 numbers to find; this ViT has 105,098 (on a GPU many more), enough to
# learn a thousand pictures by heart. What a CNN is given by construction, such as which patches are neighbours, a ViT
# has to learn from data: the paper reports the same at its own scale.
#
# (The untrained ViT is somewhere around chance, and not always close: random weights have a favourite class.)

# %% [markdown] tags=["ta-note"]
# **TA, 10 minutes.** Run the experiment before class. Vote on `predict_learning`, show the table, then the curves.
# - **They get wrong:** Most vote a), the ViT in both cases. On 1,000 pictures it loses, 74.5 against 79.4%. Who votes
#   c) underrates more pictures: with 12,000 the ViT gains 11 points and the linear layer 4. That leaves the ViT 2
#   points ahead, not a triumph, and that is the honest size of it here.
# - **Ask next:** What would you add to the ViT, or to its data, to win with 1,000 pictures? (Augmentation; a
#   convolutional stem, lesson 08; pre-training without labels, lesson 07.)
# - **Run live:** `result = lesson.experiment(…`, `figures.learning_curves(histories)`: the table as it stands from
#   before class; on the ViT's curve for 1,000 pictures, where the loss goes and what it is worth on new pictures.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 11 · See it think (4 min)
#
# To look inside, the weights go into the course's own class, which tells every stage by name. That they fit is what the
# fixed names are for. (As long as you have not trained yours, a small model that comes with the course stands in.)

# %%
from helpers.models.checkpoints import load_vit
from helpers.models.vit import ViT as CourseViT

trained = models.get("ViT, 12,000 pictures")
shown = CourseViT(*size) if trained else load_vit()
if trained:
    shown.load_state_dict(trained.state_dict())

# %%
some, labels = test.images[:8], test.labels[:8]
figures.predictions(denormalise(some), labels, shown(some), test.names)

# %% [markdown]
# Now one of them, through every stage. Walk first, then drag the sliders: pick a token, follow it from its pixels
# to its last state, and see where it looks.

# %% tags=["explorer"]
from helpers.explorers import patches_to_tokens as explorer

explorer.explore(shown, test.images[0], names=test.names)

# %% [markdown]
# As a still picture: where the class token looks in the last block, head by head.

# %%
last = shown.blocks[-1]
before = shown.stages(some[:1])[f"block_{len(shown.blocks) - 2}"]  # (1, 1+N, D): what enters the last block
looks = last.attn.weights(last.norm1(before))[0, :, 0, 1:]  # (heads, N): the class token's row, patches only
figures.class_attention(denormalise(some[0]), looks, shown.grid)

# %% [markdown]
# And the kernels of its patch embedding, one for each feature of a token.

# %%
figures.kernels(shown.patch_embed.proj.weight)

# %% [markdown]
# After so short a training they still look like the noise from which they started: a feature need not look like
# anything to be of use.

# %% [markdown] tags=["ta-note"]
# **TA, not in the section.** The explorer is the trailer of the opening; at home they walk through it once.
# - **They get wrong:** They look for edges in the kernels of the patch embedding. After so short a training these still
#   look like the noise from which they started.
# - **Ask next:** Where does the class token look in the last block? (Each head elsewhere: compare the pictures, one for
#   each head.)

# %% [markdown]
# ## 12 · Published weights in your own class (3 min)
#
# *Optional, needs a network: about 350 MB.* Your class has timm's names, so a published ViT-B/16 loads into it as it
# is. Without a network this cell says so, and nothing is lost.

# %% tags=["optional"]
from helpers.hub import MEAN, STD, HubError, class_names, load_published_vit

try:
    published, names = load_published_vit(VisionTransformer), class_names()
except HubError as error:
    print(error)
else:
    square = (cat[:, :, 56:280] - MEAN) / STD  # the middle, 224 x 224
    with torch.no_grad():
        shares = published(square[None]).softmax(-1)[0]
    for share, number in zip(*shares.topk(3), strict=True):
        print(f"{100 * share:.0f}%  {names[number]}")

# %% [markdown] tags=["ta-note"]
# **TA, not in the section.** Optional, needs a network: about 350 MB. Try it on the room's network before you promise
# it.
# - **They get wrong:** Without a network the cell says so; that is no error of theirs.
# - **Ask next:** Why do published weights fit into a class that was written here? (The names are timm's, and so are the
#   orders: class token first, then q, k, v, head by head.)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What you can say now
#
# - A ViT cuts a picture into patches of $P \times P$ pixels and maps each with one linear layer, which is a
#   stride-$P$ convolution.
# - A class token joins, positions are added, and from there on it is a Transformer encoder like any other: yours equals
#   PyTorch's to the last digits.
# - The class token starts out knowing nothing: what the classifier needs it has gathered through attention alone.
#
# Read on: the [ViT paper](https://arxiv.org/abs/2010.11929) (section 3.1 is one page and you have written all of it),
# [vit-pytorch](https://github.com/lucidrains/vit-pytorch) for a dozen variants in the same style,
# [Attention Is All You Need](https://arxiv.org/abs/1706.03762). Next, lesson 02: does the order of the list matter?

# %% [markdown] tags=["worksheet"]
# **How does a picture become a sequence that a Transformer can read, and what does attention do with it?**
#
# ### Part 1: cut by hand
# A picture of 4 x 6 pixels, numbered as one reads, is cut into patches of 2 x 2. The sequence runs over the grid row by
# row and begins with patch 0; so do the pixels within a patch. Draw the cuts. Which four pixels are patch 4? In
# which patch, and at which place in it, does pixel 11 end up?
#
# ```grid The pixels 0 to 23 in 4 rows of 6
# 0 1 2 3 4 5
# 6 7 8 9 10 11
# 12 13 14 15 16 17
# 18 19 20 21 22 23
# ```
#
# > The grid has 2 rows of 3 patches, so patch 4 is the middle one below: **14, 15, 20, 21**. Pixel 11 is in **patch
# > 2**, the last of the upper row, at its **place 3** (from 0). Common: 16, 17, 18, 19 for patch 4, as a bare `reshape`
# > cuts.
# >
# > ```grid The same picture, cut into 2 rows of 3 patches
# > 0 1 | 2 3 | 4 5
# > 6 7 | 8 9 | 10 11
# > - - - - - - - -
# > 12 13 | 14 15 | 16 17
# > 18 19 | 20 21 | 22 23
# > ```
#
# ### `tokens_b16`
# *An Image is Worth 16x16 Words* cuts pictures into patches of 16 x 16 pixels.
#
# > 224 / 16 = 14 patches in a row and 14 rows: 14 · 14.
#
# ### Part 5: attention by hand (20 mm)
# One query meets three keys, with d = 4. The values are (3, 0), (0, 3) and (3, 3). What is the result of attention
# if the three dot products are 2, 2 and 2? And, roughly, if they are 40, 2 and 2?
#
# > Equal scores give equal weights, 1/3 each: **(2, 2)**. Divided by √4 the others are 20, 1 and 1: the softmax gives
# > the first key all but 10⁻⁸ of the weight, and the result is **(3, 0)**. Only differences of scores count.
#
# ### `why_scale`
# The numbers in queries and keys are drawn at random, with spread 1. A dot product of d such pairs then has a spread of
# about √d: 32 for d = 1024. A softmax over numbers 32 apart gives all its weight to one key.
#
# > Variances add up, so the spread of a dot product is √d; divided by √d it is about 1 for every d, and the softmax
# > stays soft and passes gradients on.
#
# ### `parameters_block`
# A linear layer from a to b has ab + b parameters, a LayerNorm over D features 2D. A block of ViT-B/16 (D = 768) has
# two LayerNorms, `qkv` from D to 3D, `proj` from D to D, `fc1` from D to 4D, `fc2` from 4D to D. Count with D first.
#
# > The matrices have (3 + 1 + 4 + 4) D² = 12 D² = 7,077,888, the biases (3 + 1 + 4 + 1) D = 9D, the norms 4D: together
# > 12 D² + 13 D.
#
# ### `predict_learning`
# Fashion-MNIST, ten kinds of garments. Each model learns once from 1,000 and once from all 12,000 training pictures.
#
# > The ViT knows nothing of pictures beforehand: with few it learns by heart, with more it overtakes the linear layer.
