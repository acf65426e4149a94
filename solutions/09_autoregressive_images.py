# %% [markdown] slideshow={"slide_type": "slide"}
# # 09 · Drawing patch by patch: autoregressive images
#
# So far every model has *read* pictures. The last part of the discussion sheet, (i), asks how the same transformer
# could *make* them, the way GPT writes: one token after the other, each given those before it. After this lesson
# you can
#
# - write a picture's probability as a product, one factor a patch, and give patches a vocabulary,
# - turn a ViT into a GPT with two changes, and prove that no answer leaks,
# - measure a generative model in bits, and draw from it with temperature and top-k,
# - say what the order of the patches, free in lesson 02, means to such a model.
#
# {{contents}}
#
# Short of time? The parts marked ★ make up one section of at most 50 minutes; the others can wait.

# %% [markdown]
# Run this cell first (Shift+Enter). It shows what there is to do and how far you are.

# %% tags=["setup"]
import math
import time
from functools import cache

import torch
import torch.nn.functional as F
from torch import nn

from helpers.check import Lesson
from helpers.data import fashion_mnist
from helpers.explorers import autoregressive_images as explorer
from helpers.figures import autoregressive_images as figures
from helpers.figures.whole_model import IMAGE_GPT, whole_model
from helpers.models import ngrams
from helpers.models.checkpoints.image_gpt_fashion import load_image_gpt
from helpers.models.codes import learn_codebook
from helpers.models.image_gpt import CausalBlock, bits_of_places, measure_bits, next_code_loss, start_small
from helpers.models.orders import scan_order
from helpers.models.sampling import sample_cached
from helpers.models.vit import EncoderBlock
from helpers.train import best_device, fit

lesson = Lesson("09", globals())
lesson

# %% [markdown]
# Here is the whole model of this lesson, from a picture to the code of its next patch. What is new stands out.

# %%
new = ["codes", "shift right", "causal attention", "next code"]
notes = {"codes": "parts 1, 2", "shift right": "part 4", "causal attention": "part 3", "next code": "parts 6, 7"}
whole_model(new, notes, IMAGE_GPT, "ImageGPT")

# %% [markdown]
# Pictures, and what comes with the lesson: a dictionary of 256 patches (part 2 says how it is made), the pictures in
# its words, and an ImageGPT that was trained for minutes.

# %%
train, test = fashion_mnist("train", 4_000), fashion_mnist("test")
gpt, codebook = load_image_gpt()
codes, unseen = codebook.encode(train.images), codebook.encode(test.images)  # (B, N): 49 numbers a picture
some = torch.tensor([int((test.labels == label).nonzero()[0]) for label in range(10)])  # a picture of each class

# %% [markdown] tags=["ta-note"]
# **TA, opening.** Ask: GPT writes one word after the other. What are the words of a picture, and in which order do they
# come? Collect answers; "pixels" and "patches" both come. Leave open how a softmax is to choose among patches: part 1
# asks that.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 1 · A picture as a sentence (8 min) ★
#
# GPT models a sentence as a product: the chance of its first word, times the chance of its second word given the first,
# and so on. Put the patches of a picture into a sequence x1 ... xN, {{sequence_words}}, and do the same.
#
# **Which product is the probability of the picture, for certain and without any assumption?**
#
# - a) p(x) = p(x1) p(x2) ... p(xN)
# - b) p(x) = p(x1) p(x2 | x1) p(x3 | x1, x2) ... p(xN | x1, ..., xN-1)
# - c) p(x) = p(x1) p(x2 | x1) p(x3 | x2) ... p(xN | xN-1)
# - d) p(x) = p(x1 | x2, ..., xN) p(x2 | x1, x3, ...) ... p(xN | x1, ..., xN-1)

# %% tags=["answer"] exercise="chain_rule"
### BEGIN SOLUTION
chain_rule = "b"
### STUB
# chain_rule = ...  # "a", "b", "c" or "d"
### END SOLUTION

# %% tags=["check"] exercise="chain_rule"
lesson.check("chain_rule")

# %% [markdown]
# **How many factors does a Fashion-MNIST picture have: 28 x 28 pixels in patches of 4 x 4?**

# %% tags=["answer"] exercise="factors_fashion"
### BEGIN SOLUTION
factors_fashion = 49
### STUB
# factors_fashion = ...  # a number
### END SOLUTION

# %% tags=["check"] exercise="factors_fashion"
lesson.check("factors_fashion")

# %% [markdown] slideshow={"slide_type": "slide"}
# A sentence has words from a dictionary; a patch is 16 real numbers. We shall write patches with a dictionary too: 256
# typical patches, numbered. **Why not predict the 16 numbers themselves, with a squared error?**
#
# - a) a transformer cannot read real numbers, only whole ones
# - b) over finitely many words a softmax can say anything: this one *or* that one; a squared error on pixels only ever
#   learns their mean
# - c) 16 pixels would make the model 16 times wider
# - d) k-means already knows what a garment looks like

# %% tags=["answer"] exercise="why_codes"
### BEGIN SOLUTION
why_codes = "b"
### STUB
# why_codes = ...  # "a", "b", "c" or "d"
### END SOLUTION

# %% tags=["check"] exercise="why_codes"
lesson.check("why_codes")

# %% [markdown]
# It can be done without codes where one does not want to *draw*: AIM (El-Nouby et al., 2024,
# [arXiv 2401.08541](https://arxiv.org/abs/2401.08541)) predicts the pixels of the next patch by squared error, to learn
# features, and found them better than with codes.

# %% [markdown] tags=["ta-note"]
# **TA, 8 minutes.** Vote on `chain_rule` and `why_codes`, with `factors_fashion` aloud in between. After the vote on
# `why_codes` draw two possible next patches, one black, one white: their mean is a grey that never occurs.
# - **They get wrong:** d) of `chain_rule` is the one to dwell on: each factor is what a masked model such as BERT is
#   asked for, a patch from those around it, and their product is no factorisation. 48 factors, or 50: the first patch
#   has one, the start token (part 4) has none.
# - **Ask next:** What would a softmax over pixels, one token each, look like? (iGPT: 512 colours, and 1,024 tokens for
#   a picture of 32 x 32.)
# - **Run live:** nothing: two patches on the board say more.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 2 · A dictionary of patches (10 min)
#
# k-means finds the 256 words: start with 256 patches, give every patch to the nearest word, replace each word by the
# mean of its patches, and repeat. scikit-learn does it in seconds on the patches of 4,000 pictures. Nobody tells it
# about edges.

# %%
own_codebook = learn_codebook(train.images, words=256, patch_size=4)
figures.words_of(own_codebook)

# %% [markdown] slideshow={"slide_type": "slide"}
# **Exercise.** Write `nearest_code(patches, codebook)`: for each patch the **number of the nearest word**. `patches` is
# (..., P) with any number of leading axes, `codebook` is (K, P); the result is `long` (...), from 0 to K-1. Near means
# a small Euclidean distance: the sum of squared differences over the P pixels.
#
# By hand: with the words [0, 0] and [3, 4], the patch [1, 1] gets number 0 (2 against 4 + 9 = 13).


# %% tags=["exercise"] exercise="nearest_code"
def nearest_code(patches, codebook):
    """Number of the word nearest to each patch: (..., P), (K, P) -> long (...)."""
    ### BEGIN SOLUTION
    distances = (patches[..., None, :] - codebook).square().sum(-1)  # (..., K)
    return distances.argmin(-1)
    ### END SOLUTION


# %% tags=["check"] exercise="nearest_code"
lesson.check("nearest_code")

# %% [markdown]
# From here on we use the dictionary that comes with the lesson, since the trained model that comes with it speaks in
# its words. A picture is now 49 numbers.

# %%
number_of = lesson.piece("nearest_code")
boot = test.images[test.labels == 9][0]
patches = boot.reshape(7, 4, 7, 4).transpose(1, 2).reshape(49, 16)  # (1, 28, 28) -> (N, P)
figures.numbered(boot, number_of(patches, codebook.words), codebook)

# %% [markdown]
# How much is lost? Compare pictures with what their words say.

# %%
in_words = codebook.decode(unseen[some], (28, 28))
figures.lines({"pixels": test.images[some], "256 words": in_words}, test.names)

# %% [markdown]
# **With no model at all, all 256 words equally likely, how many bits does it take to write down one picture's codes?**

# %% tags=["answer"] exercise="uniform_bits"
### BEGIN SOLUTION
uniform_bits = 392
### STUB
# uniform_bits = ...  # a number of bits
### END SOLUTION

# %% tags=["check"] exercise="uniform_bits"
lesson.check("uniform_bits")

# %% [markdown] tags=["ta-note"]
# **TA, not in the section.** Homework. Memory is the trap: `patches[..., None, :] - codebook` for all 196,000 patches
# at once is 3 GB, `torch.cdist` is 0.2 GB.
# - **They get wrong:** *the largest dot product*: right only for words of one length. *leading axes lost*: one long row
#   of numbers.
# - **Ask next:** What would a picture look like in 2 words, and in 100,000? (In 2, light and dark blocks. With more it
#   gets sharper, and each word rarer: less is learned about it.)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 3 · Look back only (13 min) ★
#
# All 49 factors shall come out of **one** pass, which is what makes a transformer fast to train: place i predicts its
# patch from the places before it. So attention must not look ahead.
#
# **Exercise.** Write `causal_mask(n)`: bool (n, n), **True where row i may look at column j**: at itself and at what
# came before.


# %% tags=["exercise"] exercise="causal_mask"
def causal_mask(n):
    """Who may look where: bool (n, n), True where row i may look at column j."""
    ### BEGIN SOLUTION
    return torch.ones(n, n, dtype=torch.bool).tril()
    ### END SOLUTION


# %% tags=["check"] exercise="causal_mask"
lesson.check("causal_mask")

# %% [markdown] slideshow={"slide_type": "slide"}
# **Exercise.** Write `masked_attention(q, k, v, allowed)`: lesson 01's attention, in which query i looks at key j only
# where `allowed[i, j]` is True. q is (..., N, d), k is (..., M, d), v is (..., M, e), `allowed` is bool (N, M) with at
# least one True in each row; the result is (..., N, e). What a query does see must still sum to 1.


# %% tags=["exercise"] exercise="masked_attention"
def masked_attention(q, k, v, allowed):
    """Attention that looks only where `allowed` is True: (..., N, d), (..., M, d), (..., M, e) -> (..., N, e)."""
    ### BEGIN SOLUTION
    scores = q @ k.transpose(-2, -1) / q.shape[-1] ** 0.5  # (..., N, M)
    weights = scores.masked_fill(~allowed, -torch.inf).softmax(-1)
    return weights @ v
    ### END SOLUTION


# %% tags=["check"] exercise="masked_attention"
lesson.check("masked_attention")

# %% [markdown]
# The mask, and the weights that it leaves (values that are a unit matrix show the weights themselves):

# %%
mask, attend = lesson.piece("causal_mask")(8), lesson.piece("masked_attention")
x = torch.randn(8, 4, generator=torch.Generator().manual_seed(0))  # (N, d)
figures.masks({"may look": mask, "weights without": attend(x, x, torch.eye(8), mask | True),
               "weights with the mask": attend(x, x, torch.eye(8), mask)})  # fmt: skip

# %% [markdown] slideshow={"slide_type": "slide"}
# **Suppose you forget the mask. What happens in training, and what when you draw?**
#
# - a) the loss stays high, since attention is confused by the future
# - b) nothing changes, since the loss only asks about the next token
# - c) the loss falls to nearly 0, and what is drawn then is rubbish
# - d) the loss falls to nearly 0, and what is drawn is better too

# %% tags=["answer"] exercise="without_mask"
### BEGIN SOLUTION
without_mask = "c"
### STUB
# without_mask = ...  # "a", "b", "c" or "d"
### END SOLUTION

# %% tags=["check"] exercise="without_mask"
lesson.check("without_mask")

# %% [markdown] tags=["ta-note"]
# **TA, 12 minutes.** The room writes `causal_mask` and `masked_attention`; vote on `without_mask` at the end.
# - **They get wrong:** *mask after the softmax*, the classic: the weights no longer sum to 1, and each one's size still
#   depends on the hidden scores through the denominator, so the future leaks without being looked at. (Zeroing and
#   dividing by the new sum is right.) *True where hidden*: some libraries have it so.
# - **Ask next:** Why does the diagonal stay True? (The first token would have nowhere to look: 0/0. And there is
#   nothing to hide: place i reads a token that is known by then, since part 4 shifts the input.)
# - **Run live:** `mask, attend = lesson.piece("causal_mask")(8)`: three squares; in the last one each row sums to 1 and
#   ends at the diagonal.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 4 · Shifted by one (5 min) ★
#
# Place i may look at itself. So what it reads must not be what it is to predict: the sequence is shifted by one place,
# and a **start token** fills the gap. We have ten of them, numbers 256 to 265, one for each class: that is how the
# model is told what to draw.
#
# | place | 0 | 1 | 2 | ... | 48 |
# |:---|:---|:---|:---|:---|:---|
# | reads | start | x1 | x2 | ... | x48 |
# | predicts | x1 | x2 | x3 | ... | x49 |
#
# **Exercise.** Write `shift_right(tokens, start)`: (B, N) -> (B, N), the start first, the last token gone. `start` is
# one number for all sequences, or a `long` tensor (B,), one for each.


# %% tags=["exercise"] exercise="shift_right"
def shift_right(tokens, start):
    """What the model reads to predict `tokens`: long (B, N) -> long (B, N)."""
    ### BEGIN SOLUTION
    first = torch.as_tensor(start).expand(len(tokens))[:, None]  # (B, 1)
    return torch.cat([first, tokens[:, :-1]], dim=1)
    ### END SOLUTION


# %% tags=["check"] exercise="shift_right"
lesson.check("shift_right")

# %% [markdown]
# **From what is the first patch of a picture predicted?**
#
# - a) from the start token alone, here the class
# - b) from nothing: the first patch is given
# - c) from the first patch itself
# - d) from all other patches

# %% tags=["answer"] exercise="first_reads"
### BEGIN SOLUTION
first_reads = "a"
### STUB
# first_reads = ...  # "a", "b", "c" or "d"
### END SOLUTION

# %% tags=["check"] exercise="first_reads"
lesson.check("first_reads")

# %% [markdown] tags=["ta-note"]
# **TA, 5 minutes.** The room writes `shift_right`, two lines. Say it as a rule: the mask hides what comes later, the
# shift hides the target itself, and it takes both. A mask without its diagonal is no substitute for the shift: along
# the sum x + attention(x) each place hands its own token on to the head.
# - **They get wrong:** *not shifted*: the model reads what it is to predict. *the last token comes round*: `roll`. *one
#   token too long*: the start and all N tokens.
# - **Ask next:** Some write the loss as logits[:, :-1] against tokens[:, 1:]. Is that something else? (No, it is the
#   same shift at the other end; there the first patch needs its start token all the same.)
# - **Run live:** `first_reads`: vote, then the check.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 5 · ImageGPT (14 min)
#
# **Exercise.** Write the class `ImageGPT(vocabulary, length, dim, depth, heads, starts=1)`: tokens (B, n), `long`, n at
# most `length`, to **logits (B, n, vocabulary)**, those of place i being about what comes after token i. It is the ViT
# of lesson 01 with a table for tokens in place of patches, no class token, and blocks that look back only. Its parts,
# by name:
#
# - `token_embed`: an `nn.Embedding` of vocabulary + starts rows (the start tokens are read, never predicted)
# - `pos_embed`: a parameter (1, length, dim), of which the first n rows are added
# - `blocks`: `depth` blocks `CausalBlock(dim, heads)`: lesson 01's block with your mask in its attention (it comes with
#   the course)
# - `norm`: an `nn.LayerNorm(dim, eps=1e-6)` behind the last block
# - `head`: an `nn.Linear` from dim to vocabulary, read at every place


# %% tags=["exercise"] exercise="ImageGPT"
class ImageGPT(nn.Module):
    """Tokens (B, n) -> logits (B, n, vocabulary) of the token that comes next."""

    def __init__(self, vocabulary, length, dim, depth, heads, starts=1):
        super().__init__()
        ### BEGIN SOLUTION
        self.token_embed = nn.Embedding(vocabulary + starts, dim)
        self.pos_embed = nn.Parameter(0.02 * torch.randn(1, length, dim))
        self.blocks = nn.ModuleList([CausalBlock(dim, heads) for _ in range(depth)])
        self.norm = nn.LayerNorm(dim, eps=1e-6)
        self.head = nn.Linear(dim, vocabulary)
        ### STUB
        # raise NotImplementedError("ImageGPT is still to be written.")
        ### END SOLUTION

    def forward(self, tokens):
        ### BEGIN SOLUTION
        x = self.token_embed(tokens) + self.pos_embed[:, : tokens.shape[1]]  # (B, n) -> (B, n, D)
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))  # (B, n, D) -> (B, n, vocabulary)
        ### STUB
        # raise NotImplementedError("ImageGPT is still to be written.")
        ### END SOLUTION


# %% tags=["check"] exercise="ImageGPT"
lesson.check("ImageGPT")

# %% [markdown] slideshow={"slide_type": "slide"}
# **Proof that nothing leaks.** Change one token j of 12, for each j in turn, and look at all outputs. Left: your model.
# Right: the same weights with the blocks of lesson 01, which look everywhere.

# %%
torch.manual_seed(0)
model = lesson.piece("ImageGPT")(vocabulary=20, length=12, dim=32, depth=2, heads=4).eval()
sighted = lesson.piece("ImageGPT")(vocabulary=20, length=12, dim=32, depth=2, heads=4).eval()
sighted.blocks = nn.ModuleList([EncoderBlock(32, 4) for _ in range(2)])
_ = sighted.load_state_dict(model.state_dict())


# %%
@torch.no_grad()
def reach(model, tokens):
    """Largest change of output i when token j is changed: (N, N), row j, column i."""
    changed = tokens.repeat(len(tokens), 1)  # (N, N)
    changed.fill_diagonal_(20)  # row j is the sequence with another token in place j
    before, after = model(tokens.repeat(len(tokens), 1)), model(changed)  # (N, N, K)
    return (after - before).abs().amax(-1)


tokens = torch.randint(20, (12,), generator=torch.Generator().manual_seed(1))
changes = {"causal blocks": reach(model, tokens), "blocks that look everywhere": reach(sighted, tokens)}
figures.reach(changes)

# %% tags=["compare"]
for name, change in changes.items():
    leaks = bool((change.tril(-1) != 0).any())
    print(f"{name}: outputs before the changed token {'CHANGE' if leaks else 'do not change in a single bit'}")

# %% [markdown]
# Not "hardly": in no bit. A weight of exactly 0 times whatever stands there is exactly 0.

# %% [markdown] tags=["ta-note"]
# **TA, not in the section.** Most write it in five minutes, having written a ViT.
# - **They get wrong:** *positions from the end*: the last n rows in place of the first n. `pos_embed` added whole fails
#   on short sequences. *logits of the last token only*.
# - **Ask next:** Which of the two changes, mask or shift, would show in a figure like the one of this part, and which
#   not? (A forgotten mask would. A forgotten shift does not leak ahead: it puts the answer into the input.)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 6 · How good is it? Count the bits (16 min)
#
# A model that gives a code the probability p can write it down in $-\log_2 p$ bits. Add up over the 49 places: that is
# what the whole picture costs. Fewer bits, better model, and it is the loss, in another unit.
#
# **Exercise.** Write `bits_per_picture(logits, codes)`: logits (B, N, K) that predict codes (B, N); the result is **one
# number**, the sum over the places, averaged over the pictures. Two places with probabilities 1/2 and 1/8 cost 1 + 3 =
# 4 bits.


# %% tags=["exercise"] exercise="bits_per_picture"
def bits_per_picture(logits, codes):
    """Bits to write down a picture's codes, on average: (B, N, K), (B, N) -> a number."""
    ### BEGIN SOLUTION
    nats = F.cross_entropy(logits.flatten(0, 1), codes.flatten(), reduction="sum")
    return nats.item() / math.log(2) / len(codes)
    ### END SOLUTION


# %% tags=["check"] exercise="bits_per_picture"
lesson.check("bits_per_picture")

# %% [markdown] slideshow={"slide_type": "slide"}
# Three rulers that only count: how common a word is (*unigram*), how common it is at its place, and how common it is
# after the word before it (*bigram*). **Predict: random codes cost 392 bits, the unigram about 275, the bigram about
# 200. A transformer with two blocks of width 64, three times through 4,000 pictures, a few seconds, ends**
#
# - a) above the bigram: three passes over 4,000 pictures are too few for so many weights
# - b) level with the bigram: the patch before says nearly all that can be said
# - c) clearly below the bigram

# %% tags=["predict"] exercise="predict_bits"
### BEGIN SOLUTION
predict_bits = "c"
### STUB
# predict_bits = ...  # "a", "b" or "c"
### END SOLUTION


# %%
on_gpu = best_device().type != "cpu"
if on_gpu:
    train = fashion_mnist("train")
    codes = codebook.encode(train.images)


image_gpt = lesson.piece("ImageGPT")


runs = {}  # by the name of the order: the model that was trained last, and its order


@cache
def bits_after_training(order_name, seed):
    """Bits per test picture of a small ImageGPT trained on codes read in an order; each run is made once."""
    order = reading_order(order_name, seed)
    torch.manual_seed(seed)
    model = image_gpt(256, 49, dim=64, depth=2, heads=4, starts=10)
    start_small(model)  # both tables from a normal of 0.02: an nn.Embedding's own start of 1 would drown the positions
    fit(model, codes[:, order], train.labels, epochs=3, batch_size=32, lr=4e-3, seed=seed, loss=next_code_loss)
    runs[order_name] = model.eval(), order
    return measure_bits(model, unseen[:, order], test.labels)


def reading_order(name, seed):
    """Which patch (raster number) is read at each place: long (49,)."""
    if name == "random":
        return torch.randperm(49, generator=torch.Generator().manual_seed(1000 + seed))
    return scan_order(7, 7, name)


# %% tags=["experiment"]
bits_result = lesson.experiment(
    "predict_bits",
    {
        "words by themselves (unigram)": lambda seed: ngrams.unigram_bits(codes, unseen, 256),
        "words by their place": lambda seed: ngrams.place_bits(codes, unseen, 256),
        "words by the one before (bigram)": lambda seed: ngrams.bigram_bits(codes, unseen, 256),
        "ImageGPT, row by row": lambda seed: bits_after_training("raster", seed),
    },
)
bits_result

# %% tags=["compare"]
print(bits_result.conclusion)

# %% [markdown] slideshow={"slide_type": "slide"}
# A larger model, trained for longer, goes further: the one that comes with the lesson (three blocks of width 96, told
# the class), on pictures that it has never seen, against 392 bits without a model:

# %%
shifted = lesson.piece("shift_right")
with torch.no_grad():
    logits = gpt(shifted(unseen[:500], 256 + test.labels[:500]))  # (B, N, K)
print(f"{lesson.piece('bits_per_picture')(logits, unseen[:500]):.0f} bits per picture")

# %% [markdown]
# Where do they go? Cheap are the corners, where background is nearly certain; dear is the middle, where colour and
# print are decided. Towards the bottom the model can carry on with what it has drawn.

# %%
figures.place_map(bits_of_places(logits, unseen[:500]).reshape(7, 7), "shipped model")

# %% [markdown] slideshow={"slide_type": "slide"}
# The model is told the class for free. **How many bits per picture can that save at most, on average, with ten classes
# equally common?** (Write the calculation, without quotes, or two digits after the point.)

# %% tags=["answer"] exercise="class_worth"
### BEGIN SOLUTION
class_worth = math.log2(10)
### STUB
# class_worth = ...  # a number of bits
### END SOLUTION

# %% tags=["check"] exercise="class_worth"
lesson.check("class_worth")

# %% [markdown]
# And the other way round: a model of p(picture | class) is a classifier. Let it read the same 200 pictures ten times,
# once with each start token, and take the class under which the picture costs the fewest bits (Bayes' rule, all classes
# equally common).

# %%
costs = []
with torch.no_grad():
    for label in range(10):
        logits = gpt(shifted(unseen[:200], 256 + label))
        costs.append(bits_of_places(logits, unseen[:200], each=True).sum(-1))  # (B, N) -> (B,)
costs = torch.stack(costs, dim=1)  # (B, classes), in bits
right = costs.argmin(1) == test.labels[:200]
told = costs[torch.arange(200), test.labels[:200]].mean()
untold = -(torch.logsumexp(-costs * math.log(2), dim=1) / math.log(2) - math.log2(10)).mean()
print(f"{100 * right.float().mean():.0f}% of the pictures are given their class.")
print(f"Being told the class saves {untold - told:.2f} bits, of {math.log2(10):.2f} at most.")

# %% [markdown] tags=["ta-note"]
# **TA, not in the section.** The unit is the point: cross entropy in nats per token, which every training log shows,
# times 49 and over ln 2.
# - **They get wrong:** *nats*, *bits per code* and *multiplied by ln 2*. The bits are those of the codes: what k-means
#   has thrown away is not in them, so they cannot be compared with a model of pixels.
# - **Ask next:** Could one compress with it? (Yes: arithmetic coding with these probabilities comes within a few bits
#   of it.)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 7 · Draw (18 min) ★
#
# To draw a picture: show the model the start token, draw the first code from what it says, put it at the end, show it
# both, and so on. Two knobs change what the code is drawn from:
#
# - **temperature** T: the logits are divided by T before the softmax. T = 0 is the limit: all probability on the most
#   likely word.
# - **top-k**: only the k most likely words stay possible.
#
# **Exercise.** Write `next_probabilities(logits, temperature=1.0, top_k=None)`: logits (..., K) to probabilities (...,
# K) over the last axis. `top_k=None`, or K and more, cuts nothing. A temperature below 0 and a `top_k` below 1 raise a
# `ValueError`. By hand: logits [ln 4, ln 2, 0] with top_k=2 give [2/3, 1/3, 0]; at temperature 1/2, [0.8, 0.2, 0].


# %% tags=["exercise"] exercise="next_probabilities"
def next_probabilities(logits, temperature=1.0, top_k=None):
    """What the next token is drawn from: (..., K) -> (..., K), each row sums to 1."""
    ### BEGIN SOLUTION
    if temperature < 0 or (top_k is not None and top_k < 1):
        raise ValueError("The temperature is at least 0 and top_k at least 1.")
    if temperature == 0:
        return F.one_hot(logits.argmax(-1), logits.shape[-1]).to(logits.dtype)
    if top_k is not None and top_k < logits.shape[-1]:
        bar = logits.topk(top_k).values[..., -1:]  # (..., 1): the smallest logit that stays
        logits = logits.masked_fill(logits < bar, -torch.inf)
    return (logits / temperature).softmax(-1)
    ### END SOLUTION


# %% tags=["check"] exercise="next_probabilities"
lesson.check("next_probabilities")

# %% [markdown]
# The upper half of a T-shirt is given: four rows of patches and two patches more. Which word may come next?

# %%
shirt = int((test.labels == 0).nonzero()[0])
given = torch.cat([torch.tensor([256]), unseen[shirt, :30]])[None]  # (1, n): the class and 30 codes
with torch.no_grad():
    logits = gpt(given)[0, -1]  # (K,)
spread = lesson.piece("next_probabilities")
figures.chances({"T = 0.3": spread(logits, 0.3), "T = 1": spread(logits), "T = 3": spread(logits, 3.0),
                 "T = 1, top 5": spread(logits, 1.0, 5)}, codebook)  # fmt: skip

# %% [markdown] slideshow={"slide_type": "slide"}
# **Exercise.** Write `sample(model, prompt, length, temperature=1.0, top_k=None, generator=None)`. `model` is a
# callable from tokens (B, n) to logits (B, n, K); `prompt` is `long` (B, n), n at least 1, its start token first. Go on
# until the sequence has `length` tokens, **the prompt included**, and return it: (B, length). Each sequence of the
# batch draws for itself, with your `next_probabilities`; `torch.multinomial(chances, 1, generator=generator)` draws one
# token a row. (The check asks what is drawn how often, not how you use random numbers.)


# %% tags=["exercise"] exercise="sample"
def sample(model, prompt, length, temperature=1.0, top_k=None, generator=None):
    """The prompt and what was drawn after it: long (B, n) -> long (B, length)."""
    ### BEGIN SOLUTION
    tokens = prompt
    with torch.no_grad():
        while tokens.shape[1] < length:
            chances = next_probabilities(model(tokens)[:, -1], temperature, top_k)  # (B, K)
            tokens = torch.cat([tokens, torch.multinomial(chances, 1, generator=generator)], dim=1)
    return tokens
    ### END SOLUTION


# %% tags=["check"] exercise="sample"
lesson.check("sample")

# %% [markdown] slideshow={"slide_type": "slide"}
# Ten start tokens, four draws each. None of these garments exists.

# %%
draw = lesson.piece("sample")
luck = torch.Generator().manual_seed(4)
starts = 256 + torch.arange(10)[:, None]  # (B, 1)
drawn = [draw(gpt, starts, 50, temperature=0.9, generator=luck)[:, 1:] for _ in range(4)]
figures.lines({f"draw {i + 1}": codebook.decode(some, (28, 28)) for i, some in enumerate(drawn)}, test.names)

# %% [markdown] slideshow={"slide_type": "slide"}
# **What happens at the ends of the temperature scale?**
#
# - a) at 0 the pictures are pure noise, at infinity they are all the same
# - b) at 0 all pictures of a class are the same, at infinity every word is equally likely
# - c) at 0 nothing can be drawn, at infinity the model is used as it was trained
# - d) the temperature changes how fast is drawn, not what

# %% tags=["answer"] exercise="cold_and_hot"
### BEGIN SOLUTION
cold_and_hot = "b"
### STUB
# cold_and_hot = ...  # "a", "b", "c" or "d"
### END SOLUTION

# %% tags=["check"] exercise="cold_and_hot"
lesson.check("cold_and_hot")

# %% [markdown]
# See it, with ten different numbers of luck in every line:

# %%
pullover = torch.full((10, 1), 256 + 2)
heat = {0: "T = 0", 0.5: "T = 0.5", 1.0: "T = 1", 2.0: "T = 2", 100.0: "T = 100"}
warmer = {name: draw(gpt, pullover, 50, T, generator=luck)[:, 1:] for T, name in heat.items()}
figures.lines(
    {name: codebook.decode(some, (28, 28)) for name, some in warmer.items()}, [f"luck {i}" for i in range(10)]
)

# %% [markdown] slideshow={"slide_type": "slide"}
# **Finish the lower half.** A prompt may be longer than one token: here the class and the four upper rows, 28 codes.
# The model paints the other 21, three times.

# %%
shown = torch.tensor([int((test.labels == label).nonzero()[1]) for label in range(10)])
upper = torch.cat([starts, unseen[shown, :28]], dim=1)  # (B, 29)
tries = {f"its guess {i + 1}": draw(gpt, upper, 50, 0.8, generator=luck)[:, 1:] for i in range(3)}
rows = {"given": unseen[shown], **tries, "the truth": unseen[shown]}
figures.lines({name: codebook.decode(some, (28, 28)) for name, some in rows.items()}, test.names, veil_below=16)

# %% [markdown] tags=["ta-note"]
# **TA, 14 minutes.** The room writes `next_probabilities`; show `sample` solved, and draw. Vote on `cold_and_hot`
# before the five lines of pullovers, each at another temperature.
# - **They get wrong:** *divides by 0*: temperature 0 is a limit. *logits outside set to 0*: exp(0) is 1; it takes minus
#   infinity. They write `if top_k:`, which takes 0 for None. In `sample`, *only the last token is read*.
# - **Ask next:** Why can this model not finish the upper half from the lower one? (That takes another order of the
#   factors: part 8.)
# - **Run live:** `shirt = int(…`, `draw = lesson.piece("sample")`, `pullover = torch.full(…`, `upper = torch.cat(…`:
#   the chances of the next word; garments that do not exist; after the vote, pullovers from T = 0 to 100; then the
#   lower halves, three guesses and the truth.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 8 · What does the order do now? (10 min)
#
# In lesson 02 the order of the patches did not matter, as long as the positions went along. **And for ImageGPT?**
#
# - a) nothing, as in lesson 02: the positions go along, so rows of a table are renamed
# - b) the product of the true factors is the same in every order, but which factors there are to be learned changes
# - c) only raster order gives a probability; in any other order the factors do not multiply to p(x)
# - d) it matters for speed only

# %% tags=["answer"] exercise="order_now"
### BEGIN SOLUTION
order_now = "b"
### STUB
# order_now = ...  # "a", "b", "c" or "d"
### END SOLUTION

# %% tags=["check"] exercise="order_now"
lesson.check("order_now")

# %% [markdown] slideshow={"slide_type": "slide"}
# **Predict: the same model on the same codes, read column by column, along a spiral from the border inwards, or in one
# random order for all pictures. Against row by row, in a random order it needs**
#
# - a) the same number of bits within the spread: positions are learned, as in lesson 02
# - b) more bits
# - c) fewer bits: patches that are far apart say more

# %% tags=["predict"] exercise="predict_order"
### BEGIN SOLUTION
predict_order = "b"
### STUB
# predict_order = ...  # "a", "b" or "c"
### END SOLUTION

# %% tags=["experiment"]
order_result = lesson.experiment(
    "predict_order",
    {
        "ImageGPT, row by row": lambda seed: bits_after_training("raster", seed),  # from part 6
        "ImageGPT, column by column": lambda seed: bits_after_training("column", seed),
        "ImageGPT, spiral inwards": lambda seed: bits_after_training("spiral", seed),
        "ImageGPT, random order": lambda seed: bits_after_training("random", seed),
    },
)
order_result

# %% tags=["compare"]
print(order_result.conclusion)

# %% [markdown]
# Columns are a little dearer than rows, a spiral more so, and a random order is the dearest: a patch whose neighbours
# have been read is half told.
#
# When do they fall due? Cut each reading into seven stretches of seven patches. Row by row, every stretch is a row of
# the picture: empty above, full in the middle. In a random order each stretch is a mixture of places, and the price
# tends to fall: the first patches stand alone, the last ones are surrounded.

# %%
when = {}
for name, title in {"raster": "row by row", "random": "random order"}.items() if order_result.values else ():
    model, order = runs[name]
    with torch.no_grad():
        logits = model(shifted(unseen[:500, order], 256 + test.labels[:500]))
    when[title] = bits_of_places(logits, unseen[:500, order])  # (N,)
figures.stretches(when)

# %% [markdown] slideshow={"slide_type": "slide"}
# What the literature says. **AIM** trained autoregressive ViTs on ImageNet-1k in four orders and probed their features:
#
# | order | linear probe (table 3b) |
# |:---|:---|
# | raster | 69.5% |
# | checkerboard | 68.2% |
# | spiral | 67.7% |
# | random | 65.8% |
#
# **iGPT** (Chen et al., 2020) read pixels in raster order, and its authors remark just this: its BERT-trained twin has
# no bias about places at all, the autoregressive one has, since the order fixes the conditionals.

# %% [markdown] tags=["ta-note"]
# **TA, not in the section.** Tie it to the last formula of lesson 02: a mask M is free of order only where P M P^T = M.
# And to the chain rule: the sum of the true bits is the same in every order; all that differs is what a small model
# with little training misses.
# - **They get wrong:** In `order_now` a), as in lesson 02. The causal mask is tied to places in the sequence.
# - **Ask next:** What would happen with a new random order for each picture? (The model would have to be told which
#   place is asked for: that is what permuted language models do.)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 9 · The price of drawing, and the cache (18 min)
#
# Training asks for all 49 codes in one pass; drawing goes one by one. Count attention alone (scores and averages,
# lesson 03), for a picture of N tokens at width D. Without further thought `sample` runs the whole sequence through the
# model for each new token. **How does that grow?**

# %% tags=["answer"] exercise="cost_again"
### BEGIN SOLUTION
cost_again = "N**3 * D"
### STUB
# cost_again = ...  # an expression in quotes, with N and D
### END SOLUTION

# %% tags=["check"] exercise="cost_again"
lesson.check("cost_again")

# %% [markdown]
# But old tokens never look at new ones: nothing about them changes, ever. Keep their keys and values, and compute only
# the new token: one query. **How does the work for all N tokens together grow now?**

# %% tags=["answer"] exercise="cost_cached"
### BEGIN SOLUTION
cost_cached = "N**2 * D"
### STUB
# cost_cached = ...  # an expression in quotes, with N and D
### END SOLUTION

# %% tags=["check"] exercise="cost_cached"
lesson.check("cost_cached")

# %% [markdown] slideshow={"slide_type": "slide"}
# **Exercise (stretch).** Write `cached_attention(q, k, v, past_k, past_v)`: causal attention of m new tokens behind p
# old ones. q, k, v are (..., m, d), past_k and past_v are (..., p, d), p may be 0. New tokens see all old ones,
# themselves, and the new ones before them. Return three things: the output of the new tokens (..., m, d), all keys and
# all values (..., p + m, d), old ones first. Your `causal_mask` and `masked_attention` may help.


# %% tags=["exercise"] exercise="cached_attention"
def cached_attention(q, k, v, past_k, past_v):
    """Output of the new tokens (..., m, d), and all keys and values (..., p + m, d)."""
    ### BEGIN SOLUTION
    k, v = torch.cat([past_k, k], dim=-2), torch.cat([past_v, v], dim=-2)  # (..., p + m, d)
    allowed = causal_mask(k.shape[-2])[past_k.shape[-2] :]  # (m, p + m)
    return masked_attention(q, k, v, allowed), k, v
    ### END SOLUTION


# %% tags=["check"] exercise="cached_attention"
lesson.check("cached_attention")

# %% [markdown]
# The course's model has the same in all its blocks (`gpt.extend`), and `sample_cached` uses it. With the same luck it
# draws the same pictures; in float64 the logits agree to rounding.

# %%
gpt64 = load_image_gpt()[0].double()
sequence = torch.cat([starts, unseen[some, :48]], dim=1)  # (B, N): start and 48 codes
cached, cache_so_far = [], None
with torch.no_grad():
    for place in range(49):
        logits, cache_so_far = gpt64.extend(sequence[:, place : place + 1], cache_so_far)
        cached.append(logits)
    gap = (torch.cat(cached, dim=1) - gpt64(sequence)).abs().max().item()

# %% tags=["compare"]
print(f"logits with and without a cache: {'equal to rounding' if gap < 1e-10 else 'DIFFERENT'}")

# %% [markdown] slideshow={"slide_type": "slide"}
# **Predict: 32 pictures are drawn at once. With the cache that is**
#
# - a) slower: putting the cache together costs more than it saves
# - b) about as fast: 49 tokens are too few for it to matter
# - c) clearly faster

# %% tags=["predict"] exercise="predict_cache"
### BEGIN SOLUTION
predict_cache = "c"
### STUB
# predict_cache = ...  # "a", "b" or "c"
### END SOLUTION


# %%
def seconds_for(way, generator):
    """Time to draw 32 pictures."""
    start = time.perf_counter()
    way(gpt, 256 + torch.arange(32)[:, None] % 10, 50, generator=generator)
    return time.perf_counter() - start


@cache
def seconds_to_draw(seed, rounds=3):
    """Without and with a cache, in turns, the best of some rounds each: other work on the machine should not count."""
    luck = torch.Generator().manual_seed(seed)
    both = [(seconds_for(draw, luck), seconds_for(sample_cached, luck)) for _ in range(rounds)]
    return tuple(map(min, zip(*both, strict=True)))


# %% tags=["experiment"]
cache_result = lesson.experiment(
    "predict_cache",
    {
        "without a cache": lambda seed: seconds_to_draw(seed)[0] / seconds_to_draw(seed)[0],
        "with a cache": lambda seed: seconds_to_draw(seed)[0] / seconds_to_draw(seed)[1],
    },
)
cache_result

# %% tags=["compare"]
print(cache_result.conclusion)

# %% [markdown]
# All measured bits of this lesson at a glance:

# %%
figures.rulers([bits_result, order_result])

# %% [markdown] tags=["ta-note"]
# **TA, not in the section.** The exercise is a stretch. The sum of n² for n up to N is N³ / 3: the whole triangle of
# passes. At 49 tokens of width 96 the linear layers cost more than attention (lesson 03), and they gain too: N² D²
# becomes N D².
# - **They get wrong:** *rows counted from the top*: the first new token sees one key only. *no mask among the new
#   tokens*: right for one, wrong for several at once.
# - **Ask next:** Why has training no cache? (All places are computed in one pass anyway.) And what does the cache cost?
#   (Memory: two tensors of N x D a block and picture.)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 10 · Drag it (4 min)
#
# The whole model runs in your browser. Choose a class, turn temperature and top-k, watch the chances of the next word,
# give it the upper half of a real picture. **Find a temperature at which two out of three bags can be told to be bags,
# and one at which none can.**

# %% tags=["explorer"]
explorer.explore(gpt, codebook, test.images[some], test.names)

# %% [markdown] tags=["ta-note"]
# **TA, not in the section.** Slowly at first, step by step: the first codes of a garment decide much of the rest.
# - **They get wrong:** At temperature 2 they blame the model. One bad word, and all that follow are conditioned on it.
# - **Ask next:** What is drawn at temperature 0? (The same picture for ever.)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 11 · Answer the sheet (6 min) ★
#
# Now answer part (i) in your own words: how would you use a ViT to generate pictures the way GPT generates text? Say
# what the tokens are and how they become finite, what you change in the model and why, how it is trained, and how a
# picture is drawn. A person reads this one.

# %% [markdown] tags=["answer"] exercise="how_to_draw"
# ### BEGIN SOLUTION
# Cut the picture into patches, put them into a fixed order, {{sequence_words}}, and write its probability as a product
# of p(patch | patches before it). A softmax needs finitely many tokens: a codebook (k-means, or a learned one such as a
# VQ-VAE) turns every patch into the number of its nearest word. The ViT keeps its blocks and changes in two ways:
# attention gets a causal mask (scores of later tokens are minus infinity before the softmax), so that place i knows
# nothing of what comes later, and the input is shifted by one behind a start token, which may say the class, so that
# place i does not read what it is to predict. The head gives logits over the words at every place, and cross entropy
# trains all places in one pass. To draw: start token, draw a code from the softmax (temperature, top-k), append it,
# repeat (with a key-value cache), and put the words of the codes together. A given upper half is simply a longer
# prompt. The order, free for a ViT, now decides what each patch may know. Without codes one can regress pixels (AIM),
# which gives features, and blurry means as pictures.
# ### END SOLUTION

# %% [markdown] tags=["ta-note"]
# **TA, 6 minutes.** Tokens, two changes, training, drawing: one sentence each, from four people. Then everybody writes
# `how_to_draw`.
# - **They get wrong:** They leave out one of the two changes, the mask or the shift, or do not say how patches become
#   finite.
# - **Ask next:** What has the order of the patches become since lesson 02? (It was free; now it decides what each patch
#   may know. The last question of the worksheet is about this: let them predict, then read out the bits in its key.)
# - **Run live:** nothing: the sheet's question is answered aloud.

# %% [markdown] slideshow={"slide_type": "slide"}
# **What you can say now.**
#
# - A picture's probability is a product of 49 conditionals; a mask and a shift make a ViT learn all of them in one
#   pass.
# - Nothing leaks, not in a single bit; and bits are also the measure: 392 a picture without a model, and far fewer
#   with one.
# - Drawing costs one pass a token, which a cache makes cheap; and the order of the patches now matters.
#
# **Read on.** [iGPT](https://proceedings.mlr.press/v119/chen20s.html): pixels as tokens, 512 colours by k-means, and
# what such a model's features are worth (96.3% on CIFAR-10 by linear probe) · [AIM](https://arxiv.org/abs/2401.08541):
# the same idea with patches and pixels, up to 7 billion parameters · [VQ-VAE](https://arxiv.org/abs/1711.00937):
# codebooks that are learned · lesson 07 for the other way to learn from pictures without labels.

# %% [markdown] tags=["worksheet"]
# GPT writes word by word, each time from the words before. **How would you let a ViT draw that way?**
#
# ### `chain_rule`
# Put the patches of a picture into a sequence x1 ... xN, row by row.
#
# > The chain rule of probability: each patch given all before it. It holds always, and in any order.
#
# ### `why_codes`
# So the model has to say how likely each next patch is. A patch is 16 real numbers; we write each patch as the number
# of the nearest of 256 typical patches, its *code*.
#
# > Where a sleeve or background may follow, half and half, the squared error is least for the mean: a grey that never
# > occurs. A softmax can give each of the two one half.
#
# ### Draw the mask
# Place i may look at itself and at what came before. Rows are queries, columns are keys: shade what row i may **not**
# look at. How many of the 25 scores are left?
#
# ```grid 5 x 5 empty cells
# . . . . .
# . . . . .
# . . . . .
# . . . . .
# . . . . .
# ```
#
# > **15**: 1 + 2 + 3 + 4 + 5. The ten shaded ones are set to minus infinity *before* the softmax, so that the weights
# > of those left sum to 1 in each row.
# >
# > ```grid 5 x 5 cells, those above the diagonal shaded
# > . # # # #
# > . . # # #
# > . . . # #
# > . . . . #
# > . . . . .
# > ```
#
# ### `without_mask` (7 mm)
# > The next token stands in the input, one place further on: the model learns to copy it. While it draws, there is
# > nothing to copy.
#
# ### `predict_order`
# In full attention with positions the order of the patches did not matter (lesson 02). Now attention looks back only. A
# model is measured by the bits that it needs for a picture: the fewer, the better it predicts.
#
# > The mask is tied to places in the *sequence*. In a random order a patch is often predicted from patches far away,
# > since its neighbours may come later: harder factors, more bits.
