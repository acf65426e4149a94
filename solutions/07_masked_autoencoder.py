# %% [markdown] slideshow={"slide_type": "slide"}
# # 07 · Learning without labels: the masked autoencoder
#
# Labels are expensive, pictures are not. BERT learned language by guessing words that had been hidden from it. In this
# lesson you carry that over to pictures: you decide what is hidden and what is asked, train a Vision Transformer on it,
# and measure what it has understood on the way.
#
# It answers the sheet's question how a ViT can learn from unlabelled pictures, and why that takes a decoder.
#
# Afterwards you can
# - say what to hide, what to predict, and why 75% and not 15%,
# - write masking, restoring, the loss and the whole masked autoencoder,
# - pre-train one without labels, and measure what its encoder is worth to a classifier,
# - say what changes, in cost and in what is learned, when mask tokens take the place of the hidden patches.
#
# {{contents}}
#
# Parts marked ★ make up the 50-minute section. Write code where a cell says so, then run the check below it;
# `lesson.hint("random_masking")` gives a hint, and asking again a bigger one.

# %% tags=["setup"]
import statistics
import time
from functools import cache

import torch
from torch import nn

from helpers.check import Lesson
from helpers.data import fashion_mnist, photo
from helpers.explorers import masked_autoencoder as explorer
from helpers.figures import masked_autoencoder as figures
from helpers.models import mae
from helpers.models.checkpoints.mae_fashion import load_mae
from helpers.models.patches import patchify
from helpers.models.vit import EncoderBlock, PatchEmbed, ViT
from helpers.probe import linear_probe
from helpers.train import best_device, evaluate, fit

lesson = Lesson("07", globals())
lesson

# %% [markdown] tags=["ta-note"]
# **TA, opening.** Ask: a million photographs and not one label. What could one ask a model about each, so that the
# photograph itself holds the answer? Take three ideas (colour a grey one, solve a jigsaw, fill a hole) and leave them
# there. Explorer and drawing of the model stay closed until their turn: they answer part 1. Parts 1, 2, 5, 7 and 10 are
# the section. In part 5 the course's own loss and model stand in for those who have not written parts 3 and 4.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 1 · A question that needs no label (7 min) ★
#
# BERT takes a sentence, hides some words, and is trained to fill them in. The text is its own answer sheet.

# %% [markdown]
# Carry BERT's idea over. **What should be hidden of a picture?**
# - a) the label
# - b) single pixels, at random
# - c) patches, at random
# - d) the class token

# %% tags=["answer"] exercise="what_to_hide"
### BEGIN SOLUTION
what_to_hide = "c"
### STUB
# what_to_hide = ...  # "a", "b", "c" or "d"
### END SOLUTION

# %% tags=["check"] exercise="what_to_hide"
lesson.check("what_to_hide")

# %% [markdown]
# **And what should be predicted?**
# - a) which patches were hidden
# - b) the pixels of the hidden patches
# - c) the class of the picture
# - d) the pixels of the patches that it was shown

# %% tags=["answer"] exercise="what_to_predict"
### BEGIN SOLUTION
what_to_predict = "b"
### STUB
# what_to_predict = ...  # "a", "b", "c" or "d"
### END SOLUTION

# %% tags=["check"] exercise="what_to_predict"
lesson.check("what_to_predict")

# %% [markdown]
# BERT hides 15% of the words. The masked autoencoder (MAE) hides 75% of the patches. **Why do pictures need so much
# more?**
# - a) pictures are larger than sentences, so more has to be left out to fit into memory
# - b) neighbouring patches say much the same: with few gaps, filling in from next door is enough
# - c) each picture has four patches of which one is important
# - d) a higher ratio makes the loss larger, and larger losses give larger gradients

# %% tags=["answer"] exercise="why_mostly_hidden"
### BEGIN SOLUTION
why_mostly_hidden = "b"
### STUB
# why_mostly_hidden = ...  # "a", "b", "c" or "d"
### END SOLUTION

# %% tags=["check"] exercise="why_mostly_hidden"
lesson.check("why_mostly_hidden")

# %% [markdown]
# This is the whole model of this lesson; what it adds to a ViT is in colour.

# %%
train, test = fashion_mnist("train"), fashion_mnist("test")
hidden = torch.rand(49, generator=torch.Generator().manual_seed(3)).argsort() >= 12
figures.whole_model(test.images[0], 4, hidden)

# %% [markdown] tags=["ta-note"]
# **TA, 7 minutes.** Vote on all three questions, two minutes each; take the reasons from the room. The drawing comes
# after them: what is hidden, and what is predicted.
# - **They get wrong:** "Hide pixels" is the common first idea. Ask how one would fill one in without understanding
#   anything (the mean of its neighbours), then whether that argument stops at pixels. It does not: with few gaps it
#   holds for patches too, and is the reason for 75%.
# - **Ask next:** Which sentences could lose 75% of their words and still be restored? (Those that repeat themselves,
#   such as a refrain or a form letter. Pictures repeat themselves nearly everywhere.)
# - **Run live:** `hidden = torch.rand(49…`: the whole model, on one garment: what enters the encoder,
#   and what does not.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 2 · Hide, and put back (21 min) ★
#
# Every picture gets a mask of its own. The trick of the paper: shuffle the tokens, keep the first few. `ids_shuffle`
# says, for each picture, which token is drawn first, second, and so on. By hand, with tokens a b c d e, `ids_shuffle =
# [3, 0, 4, 1, 2]` and `keep_length = 2`:
#
#     drawn            d  a | e  b  c      kept: d, a, in this order
#     token            a  b  c  d  e
#     drawn as number  1  3  4  0  2       this is ids_restore: it undoes the shuffle
#
# The mask belongs to the picture, so it is in the picture's order: **{{masked_value}}** for b, c and e, which are
# masked, and the opposite for a and d. Floats, whole numbers or truth values: as you like.
#
# **Task.** `random_masking(x, keep_length, ids_shuffle)` returns three things: `kept` `(B, keep, D)` in the order
# drawn, `mask` `(B, N)`, and `ids_restore` `(B, N)`. Each row of `ids_shuffle` `(B, N)` is an order of its own, one a
# picture. `x.gather(1,
# index)` takes other tokens for each picture; its index has the shape of the result.


# %% tags=["exercise"] exercise="random_masking"
def random_masking(x, keep_length, ids_shuffle):
    """Keep the first tokens of each picture's own order; mask the others.

    x: (B, N, D); keep_length: how many are kept; ids_shuffle: (B, N), long, the order in which tokens are drawn
    Returns kept (B, keep_length, D), mask (B, N), ids_restore (B, N)
    """
    ### BEGIN SOLUTION
    ids_keep = ids_shuffle[:, :keep_length]  # (B, N) -> (B, keep)
    kept = x.gather(1, ids_keep[:, :, None].expand(-1, -1, x.shape[-1]))  # (B, N, D) -> (B, keep, D)
    ids_restore = ids_shuffle.argsort(dim=1)  # when each token was drawn
    mask = (ids_restore >= keep_length).float()  # too late to be kept  ### masked: 1
    mask = (ids_restore < keep_length).float()  # early enough to be kept  ### masked: 0
    return kept, mask, ids_restore
    ### END SOLUTION


# %% tags=["check"] exercise="random_masking"
lesson.check("random_masking")

# %% [markdown]
# See it: the same picture under four masks, patches of 4 x 4 pixels, 12 of 49 kept.

# %%
hide = lesson.piece("random_masking")
four = test.images[:1].expand(4, -1, -1, -1)  # (4, 1, H, W)
order = torch.rand(4, 49).argsort(dim=1)  # (4, N): four random orders
kept, mask, ids_restore = hide(patchify(four, 4), 12, order)  # (4, 49, 16) -> (4, 12, 16), ...

# %% slideshow={"slide_type": "fragment"}
figures.masks(four, mask, 4)

# %% [markdown]
# Nothing is multiplied by zero: the hidden patches are *not there*. That will pay off later.
#
# **Task.** `restore_masked(kept, masked, ids_restore)` is the way back: `masked` `(B, N - keep, D)` holds what stands
# for the hidden tokens; return all N in the picture's order.


# %% tags=["exercise"] exercise="restore_masked"
def restore_masked(kept, masked, ids_restore):
    """Kept and masked tokens back in their places.

    kept: (B, keep, D), in the order drawn; masked: (B, N - keep, D); ids_restore: (B, N)
    Returns (B, N, D)
    """
    ### BEGIN SOLUTION
    drawn = torch.cat([kept, masked], dim=1)  # (B, N, D), in the order drawn
    return drawn.gather(1, ids_restore[:, :, None].expand(-1, -1, drawn.shape[-1]))
    ### END SOLUTION


# %% tags=["check"] exercise="restore_masked"
lesson.check("restore_masked")

# %% [markdown]
# With the hidden patches themselves as `masked`, the picture has to come back whole.

# %% tags=["compare"]
put_back = lesson.piece("restore_masked")
rest = hide(patchify(four, 4), 37, order.flip(1))[0].flip(1)  # the 37 hidden ones, in the order drawn
print("The picture is whole again:", torch.equal(put_back(kept, rest, ids_restore), patchify(four, 4)))

# %% [markdown] tags=["ta-note"]
# **TA, 17 minutes.** Show the five tokens of the slide, then the four of the worksheet by pencil: five minutes. The
# room writes `random_masking`, nine minutes; show `restore_masked` solved. Tie it to lesson 02: an inverse permutation,
# once for each picture.
# - **They get wrong:** *one argsort where two are needed*, the classic: `ids_shuffle` handed on as `ids_restore`. The
#   first argsort has been done (random numbers into `ids_shuffle`, in the cell below the check), the second is theirs.
#   Then *mask still in the order drawn*, which is the same for every picture. In `restore_masked`, *masked before
#   kept*.
# - **Ask next:** Why shuffle at all, and not toss a coin for each token? (Pictures of one batch would keep different
#   numbers of tokens, and would not fit into one tensor.)
# - **Run live:** `figures.masks(four, mask, 4)`, `put_back = lesson.piece("restore_masked")`: four masks of one
#   picture; then the picture, whole again.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 3 · A loss where something was hidden (6 min)
#
# Copying what one sees is no achievement. So the loss looks at hidden patches only.
#
# **Task.** `masked_loss(prediction, target, mask)`: the mean squared error of each patch (over its numbers), averaged
# over all masked patches of the batch; one number. In `mask`, {{masked_value}} means masked.


# %% tags=["exercise"] exercise="masked_loss"
def masked_loss(prediction, target, mask):
    """Mean squared error per patch, averaged over the masked patches.

    prediction, target: (B, N, C*P*P); mask: (B, N)
    Returns a scalar
    """
    ### BEGIN SOLUTION
    error = (prediction - target).square().mean(dim=-1)  # (B, N, C*P*P) -> (B, N)
    return (error * mask).sum() / mask.sum()  ### masked: 1
    return (error * (1 - mask)).sum() / (1 - mask).sum()  ### masked: 0
    ### END SOLUTION


# %% tags=["check"] exercise="masked_loss"
lesson.check("masked_loss")

# %% [markdown]
# How large is it for a model that knows nothing and paints everything in mean grey (0, as the pictures are normalised)?

# %%
hidden_loss = lesson.piece("masked_loss")
target = patchify(test.images[:500], 4)
mask = hide(target, 12, torch.rand(500, 49).argsort(dim=1))[1]
hidden_loss(torch.zeros_like(target), target, mask)

# %% [markdown]
# About 1: the variance of a normalised pixel. Whatever is below that has been learned.

# %% [markdown] tags=["ta-note"]
# **TA, not in the section.** Homework, six minutes.
# - **They get wrong:** *over all patches*: copying what one sees is no achievement. *divided by all patches*: `.mean()`
#   after the mask, and the loss shrinks with the ratio. *averaged picture by picture*.
# - **Ask next:** What does a model score that paints everything in mean grey? (About 1: the variance of a normalised
#   pixel.)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 4 · The masked autoencoder (45 min)
#
# The encoder is a ViT that reads the class token and the kept patches, nothing else. ViT-B/16 at 224 x 224 pixels, 75%
# masked: **how many tokens does its encoder read, class token included?**

# %% tags=["answer"] exercise="tokens_encoded"
### BEGIN SOLUTION
tokens_encoded = 50
### STUB
# tokens_encoded = ...  # a number
### END SOLUTION

# %% tags=["check"] exercise="tokens_encoded"
lesson.check("tokens_encoded")

# %% [markdown]
# BERT has an encoder only. **Why does this model need a decoder?**
# - a) the encoder has a token for what it saw and none for what it did not: something must paint the rest
# - b) every Transformer consists of an encoder and a decoder
# - c) the decoder classifies the picture after pre-training
# - d) without one, attention could not be computed on a part of the patches

# %% tags=["answer"] exercise="why_decoder"
### BEGIN SOLUTION
why_decoder = "a"
### STUB
# why_decoder = ...  # "a", "b", "c" or "d"
### END SOLUTION

# %% tags=["check"] exercise="why_decoder"
lesson.check("why_decoder")

# %% [markdown] slideshow={"slide_type": "subslide"}
# **Task.** `MaskedAutoencoder(image_size, patch_size, channels, dim, depth, heads, decoder_dim, decoder_depth,
# decoder_heads, mask_ratio=0.75)`, with `image_size` as in the ViT. Its parts, by name:
#
# | encoder: name | what it is | decoder: name | what it is |
# |---|---|---|---|
# | `patch_embed` | `PatchEmbed(patch_size, channels, dim)` | `decoder_embed` | linear, `dim` to `decoder_dim` |
# | `cls_token` | `(1, 1, dim)` | `mask_token` | `(1, 1, decoder_dim)` |
# | `pos_embed` | `(1, 1+N, dim)` | `decoder_pos_embed` | `(1, 1+N, decoder_dim)` |
# | `blocks` | `depth` encoder blocks | `decoder_blocks` | `decoder_depth` encoder blocks |
# | `norm` | LayerNorm, eps 1e-6 | `decoder_norm` | LayerNorm, eps 1e-6 |
# | | | `decoder_pred` | linear, `decoder_dim` to C·P·P |
#
# Blocks are `EncoderBlock(dim, heads)` in an `nn.ModuleList`; tables of tokens and positions are `nn.Parameter`s.
# `PatchEmbed` and `EncoderBlock` are imported above: take them as they come, whatever order yours had.
#
# `forward_encoder(images, ids_shuffle)`: embed; add the patches' positions; mask, keeping `int(N * (1 - mask_ratio))`;
# join the class token, which stands **{{class_token_words}}** (in `pos_embed` too: its row is added to it); blocks;
# norm. Returns `(embeddings, mask, ids_restore)`; in `mask`, {{masked_value}} means masked.
#
# `forward_decoder(embeddings, ids_restore)`: embed; a mask token for every hidden place; restore; join the class token
# again; add *all* decoder positions; blocks; norm; predict; drop the class token's row. Returns `(B, N, C*P*P)`.


# %% tags=["exercise"] exercise="MaskedAutoencoder"
class MaskedAutoencoder(nn.Module):
    """An encoder of the kept patches, and a small decoder that paints all of them."""

    def __init__(
        self,
        image_size,
        patch_size,
        channels,
        dim,
        depth,
        heads,
        decoder_dim,
        decoder_depth,
        decoder_heads,
        mask_ratio=0.75,
    ):
        super().__init__()
        height, width = image_size if isinstance(image_size, tuple) else (image_size, image_size)
        N = (height // patch_size) * (width // patch_size)
        self.mask_ratio = mask_ratio
        ### BEGIN SOLUTION
        self.patch_embed = PatchEmbed(patch_size, channels, dim)
        self.cls_token = nn.Parameter(0.02 * torch.randn(1, 1, dim))
        self.pos_embed = nn.Parameter(0.02 * torch.randn(1, 1 + N, dim))
        self.blocks = nn.ModuleList([EncoderBlock(dim, heads) for _ in range(depth)])
        self.norm = nn.LayerNorm(dim, eps=1e-6)
        self.decoder_embed = nn.Linear(dim, decoder_dim)
        self.mask_token = nn.Parameter(0.02 * torch.randn(1, 1, decoder_dim))
        self.decoder_pos_embed = nn.Parameter(0.02 * torch.randn(1, 1 + N, decoder_dim))
        self.decoder_blocks = nn.ModuleList([EncoderBlock(decoder_dim, decoder_heads) for _ in range(decoder_depth)])
        self.decoder_norm = nn.LayerNorm(decoder_dim, eps=1e-6)
        self.decoder_pred = nn.Linear(decoder_dim, channels * patch_size**2)
        ### END SOLUTION

    def forward_encoder(self, images, ids_shuffle):
        """(B, C, H, W) and (B, N) -> embeddings (B, 1 + keep, dim), mask (B, N), ids_restore (B, N)."""
        ### BEGIN SOLUTION
        x = self.patch_embed(images) + self.pos_embed[:, 1:]  # (B, N, D)  ### class_token: first
        x = self.patch_embed(images) + self.pos_embed[:, :-1]  # (B, N, D)  ### class_token: last
        keep_length = int(x.shape[1] * (1 - self.mask_ratio))
        x, mask, ids_restore = random_masking(x, keep_length, ids_shuffle)  # (B, N, D) -> (B, keep, D)
        ### class_token: first
        class_tokens = (self.cls_token + self.pos_embed[:, :1]).expand(len(x), -1, -1)  # (B, 1, D)
        x = torch.cat([class_tokens, x], dim=1)  # (B, 1 + keep, D)  ### class_token: first
        ### class_token: last
        class_tokens = (self.cls_token + self.pos_embed[:, -1:]).expand(len(x), -1, -1)  # (B, 1, D)
        x = torch.cat([x, class_tokens], dim=1)  # (B, keep + 1, D)  ### class_token: last
        for block in self.blocks:
            x = block(x)
        return self.norm(x), mask, ids_restore
        ### END SOLUTION

    def forward_decoder(self, embeddings, ids_restore):
        """(B, 1 + keep, dim) and (B, N) -> painted patches (B, N, C*P*P)."""
        ### BEGIN SOLUTION
        x = self.decoder_embed(embeddings)  # (B, 1 + keep, E)
        class_tokens, kept = x[:, :1], x[:, 1:]  ### class_token: first
        class_tokens, kept = x[:, -1:], x[:, :-1]  ### class_token: last
        hidden = ids_restore.shape[1] - kept.shape[1]
        x = restore_masked(kept, self.mask_token.expand(len(x), hidden, -1), ids_restore)  # (B, N, E)
        x = torch.cat([class_tokens, x], dim=1) + self.decoder_pos_embed  # (B, 1 + N, E)  ### class_token: first
        x = torch.cat([x, class_tokens], dim=1) + self.decoder_pos_embed  # (B, N + 1, E)  ### class_token: last
        for block in self.decoder_blocks:
            x = block(x)
        return self.decoder_pred(self.decoder_norm(x))[:, 1:]  # (B, N, C*P*P)  ### class_token: first
        return self.decoder_pred(self.decoder_norm(x))[:, :-1]  # (B, N, C*P*P)  ### class_token: last
        ### END SOLUTION


# %% tags=["check"] exercise="MaskedAutoencoder"
lesson.check("MaskedAutoencoder")

# %% [markdown]
# Try it on three pictures: what leaves the encoder, and what leaves the decoder?

# %%
Autoencoder = lesson.piece("MaskedAutoencoder")
model = Autoencoder(28, 4, 1, 64, 4, 4, 48, 2, 4)

# %%
embeddings, mask, ids_restore = model.forward_encoder(test.images[:3], torch.rand(3, 49).argsort(dim=1))
embeddings.shape, model.forward_decoder(embeddings, ids_restore).shape

# %% [markdown]
# 13 tokens in, 49 patches out.

# %% [markdown]
# **In your own words** (a short paragraph): how can a ViT learn from pictures without labels? Say what goes in, what is
# to come out, why there is a decoder, and why so much is hidden. A person reads this one.

# %% [markdown] tags=["answer"] exercise="bert_for_pictures"
# ### BEGIN SOLUTION
# Take most of the patches of each picture away at random (75%) and let the encoder read only the others, with their
# positions and the class token. The target is in the picture itself: the pixels of the patches that were taken away,
# and the error is counted there only. The encoder has no tokens for those, so a small decoder joins its output with
# mask tokens and positions and paints them; it also keeps pixel detail and mask tokens out of the encoder, and it is
# thrown away afterwards. So much is hidden since neighbouring patches resemble each other: with 15% missing, as in
# BERT, one could fill in from next door without having understood anything.
# ### STUB
# *Write your answer here.*
# ### END SOLUTION

# %% [markdown] tags=["ta-note"]
# **TA, not in the section.** The long one, for home. "It paints the same patch everywhere" is worth seeing: a decoder
# without positions does that.
# - **They get wrong:** *positions after masking* (a kept patch gets another one's place), *decoder without positions*
#   (all mask tokens are equal), *class token off by one in restoring*.
# - **Ask next:** Which of the two positions could be left out? (Neither: without its own the encoder reads a bag of
#   patches, lesson 05; without the decoder's all mask tokens are alike.) What would a decoder paint that was trained
#   with a mask ratio of 1? (The mean picture. Ours was not: try 100% in the explorer.)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 5 · Pre-train it (7 min) ★
#
# From here on, loss and model are yours where they are right, else the course's.

# %%
hidden_loss, Autoencoder = lesson.piece("masked_loss"), lesson.piece("MaskedAutoencoder")
SIZES = (28, 4, 1, 64, 4, 4, 48, 2, 4)  # 49 patches of 4 x 4; encoder 64 wide, 4 blocks; decoder 48 wide, 2 blocks

# %% [markdown]
# The loss of one batch: draw orders, encode, decode, compare. `labels` come along because `fit` passes them; nobody
# looks.


# %%
def pretraining_loss(model, images, labels):
    order = torch.rand(len(images), 49, device=images.device).argsort(dim=1)  # (B, N)
    embeddings, mask, ids_restore = model.forward_encoder(images, order)
    return hidden_loss(model.forward_decoder(embeddings, ids_restore), patchify(images, 4), mask)


# %% [markdown]
# On a laptop we stop after seconds. The course ships the weights of a run of 40 epochs over 12,000 pictures, made with
# the same loss and without a label. Names are fixed, so they load into *your* class.

# %%
trained = Autoencoder(*SIZES)
trained.load_state_dict(load_mae().state_dict())

# %% [markdown]
# Both get the same test: hidden patches of pictures that they never met. Plain grey counts 0, the truth 100: how much
# of grey's error is gone?


# %%
def paint(model, images):
    """What a model paints of pictures (B, C, H, W), masked at random but always alike: (B, N, P*P), mask (B, N)."""
    order = torch.rand(len(images), 49, generator=torch.Generator().manual_seed(0)).argsort(dim=1)  # (B, N)
    with torch.no_grad():
        embeddings, mask, ids_restore = model.forward_encoder(images, order)
        return model.forward_decoder(embeddings, ids_restore), mask


unseen = test.images[:500]


def painted_right(painted, mask):
    target = patchify(unseen, 4)  # (B, N, P*P)
    grey = hidden_loss(torch.zeros_like(target), target, mask)
    return 100 * (1 - hidden_loss(painted, target, mask) / grey).item()


# %% [markdown]
# One could do without looking at the picture at all: paint, wherever something is hidden, the **mean of all training
# pictures**. After some seconds of pre-training the model is
# - a) worse than the mean picture: seconds are not enough
# - b) better than the mean picture, and far from the run of 40 epochs
# - c) as good as the run of 40 epochs

# %% tags=["predict"] exercise="predict_painting"
### BEGIN SOLUTION
predict_painting = "b"
### STUB
# predict_painting = ...  # "a", "b" or "c"
### END SOLUTION

# %%
COUNT, EPOCHS = (4_000, 2) if best_device().type == "cpu" else (12_000, 10)
painters = {}


def mean_picture(seed):
    mean = patchify(train.images.mean(dim=0, keepdim=True), 4)  # (1, N, P*P)
    return painted_right(mean.expand(len(unseen), -1, -1), paint(trained, unseen)[1])


def some_seconds(seed):
    torch.manual_seed(seed)
    painters["seconds"] = Autoencoder(*SIZES)
    some = train.images[:COUNT], train.labels[:COUNT]
    fit(painters["seconds"], *some, epochs=EPOCHS, lr=2e-3, seed=seed, loss=pretraining_loss)
    return painted_right(*paint(painters["seconds"], unseen))


# %% tags=["experiment"]
result = lesson.experiment(
    "predict_painting",
    {
        "mean picture": mean_picture,
        "seconds of pre-training": some_seconds,
        "40 epochs, as shipped": lambda seed: painted_right(*paint(trained, unseen)),
    },
)
result

# %% tags=["compare"]
print(result.conclusion)

# %% [markdown]
# What does it look like?

# %% slideshow={"slide_type": "fragment"}
some, names = test.images[:8], [test.names[label] for label in test.labels[:8]]
painted = {name: paint(model, some)[0] for name, model in {**painters, "40 epochs": trained}.items()}
figures.paintings(some, paint(trained, some)[1], painted, 4, names)

# %% [markdown]
# After seconds: fog, mostly in the right places. After 40 epochs, from a quarter of the patches: outlines, sleeves, the
# gap between trouser legs. Prints and laces stay blurred, since nothing visible tells them, and the squared error is
# smallest for the mean of all that could be.

# %% [markdown] tags=["ta-note"]
# **TA, 7 minutes.** First the worksheet's task on attention, two minutes: the hidden patches are not there, so what
# does the encoder save? (It is from part 6, which is homework.) Run the experiment before class. Vote on
# `predict_painting`, show the table, then the paintings.
# - **They get wrong:** Who takes a) thinks that seconds of pre-training teach nothing. Fog in the right places is
#   already better than the mean picture: 39 against 29. Who takes c): 40 epochs reach 81.
# - **Ask next:** Why do prints and laces never come back? (A quarter of the patches does not say what is printed, and a
#   squared error paints the mean of all guesses.)
# - **Run live:** `result = lesson.experiment(…`, `figures.paintings(…`: the table from before class; in the paintings
#   outlines, sleeves and the gap between trouser legs.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 6 · What leaving out saves (8 min)
#
# The encoder reads a quarter of the patches. In lesson 03 you counted what a block costs. **With a quarter of the
# tokens (forget the class token), by which factor does the cost of attention itself ($QK^\top$ and $AV$) shrink?**
# Give the new cost over the old one.

# %% tags=["answer"] exercise="attention_share"
### BEGIN SOLUTION
attention_share = 1 / 16
### STUB
# attention_share = ...  # a number between 0 and 1
### END SOLUTION

# %% tags=["check"] exercise="attention_share"
lesson.check("attention_share")

# %% [markdown]
# And the cost of the **linear layers** (`qkv`, `proj`, MLP)?

# %% tags=["answer"] exercise="layer_share"
### BEGIN SOLUTION
layer_share = 1 / 4
### STUB
# layer_share = ...  # a number between 0 and 1
### END SOLUTION

# %% tags=["check"] exercise="layer_share"
lesson.check("layer_share")

# %% [markdown]
# Now with a clock: one forward and backward pass of the encoder over 128 pictures, with all patches and with a quarter
# of them. With a quarter it is
# - a) about as fast: the model is the same
# - b) about four times as fast
# - c) about sixteen times as fast

# %% tags=["predict"] exercise="predict_encoder_time"
### BEGIN SOLUTION
predict_encoder_time = "b"
### STUB
# predict_encoder_time = ...  # "a", "b" or "c"
### END SOLUTION

# %%
batch, order = train.images[:128], torch.rand(128, 49).argsort(dim=1)


def seconds(encoder):
    start = time.perf_counter()
    encoder.forward_encoder(batch, order)[0].sum().backward()
    return time.perf_counter() - start


def times_as_fast(kept):
    """How many passes that keep that share of the patches fit into one that keeps all; both take turns."""
    some, every = Autoencoder(*SIZES, 1 - kept), Autoencoder(*SIZES, 0.0)
    return statistics.median(seconds(every) / seconds(some) for _ in range(7))


# %% tags=["experiment"]
result = lesson.experiment(
    "predict_encoder_time",
    {
        "all patches": lambda seed: times_as_fast(1.0),
        "half of them": lambda seed: times_as_fast(0.5),
        "a quarter of them": lambda seed: times_as_fast(0.25),
        "16, for comparison": lambda seed: 16,
    },
)
result

# %% tags=["compare"]
print(result.conclusion)

# %% [markdown]
# Beside it the arithmetic: the operations counted, $24 N D^2 + 4 N^2 D$ for a block, with a multiply-add taken as 2.


# %%
def operations(kept):
    N, D = 1 + int(49 * kept), 64  # with the class token
    return 24 * N * D**2 + 4 * N**2 * D


shares = {"all patches": 1.0, "half of them": 0.5, "a quarter of them": 0.25}
figures.speed({name: operations(1.0) / operations(share) for name, share in shares.items()}, result.values)

# %% [markdown]
# Near four and far from sixteen: at 49 tokens and width 64 the linear layers are nearly nine tenths of the cost
# ($N < 6D$, lesson 03). The paper's ViT-L gained a factor of 2.8 in time, decoder included.

# %% [markdown] tags=["ta-note"]
# **TA, not in the section.** Homework; tie it to lesson 03.
# - **They get wrong:** For `attention_share` they answer 1/4, or 16, the other way round. Before the clock sixteen is
#   tempting: that is attention alone.
# - **Ask next:** Why is it near four and far from sixteen? (At 49 tokens and width 64 the linear layers are nearly nine
#   tenths of the cost: N is far below 6 D.)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 7 · What it is good for (10 min) ★
#
# Nobody wants the paintings. What is wanted is the encoder: the decoder is thrown away, a classifier's head takes its
# place. A ViT-B/16 was pre-trained with 75% of its 196 patches masked (224 x 224 pixels). **How many tokens should its
# encoder read when it now classifies a picture, class token included?**

# %% tags=["answer"] exercise="tokens_afterwards"
### BEGIN SOLUTION
tokens_afterwards = 197
### STUB
# tokens_afterwards = ...  # a number
### END SOLUTION

# %% tags=["check"] exercise="tokens_afterwards"
lesson.check("tokens_afterwards")

# %% [markdown]
# The encoder's parts have the names of a ViT's, so the weights go straight into the class of lesson 01. `strict=False`
# leaves the decoder behind and the new head as it is.


# %%
def classifier(pretrained, seed=0):
    torch.manual_seed(seed)
    vit = ViT(28, 4, 1, num_classes=10, dim=64, depth=4, heads=4)
    if pretrained:
        vit.load_state_dict(trained.state_dict(), strict=False)
    return vit


# %% [markdown]
# First a **linear probe**: the encoder stays as it is, and one linear layer on the mean of its patch tokens is trained
# with labels. Against the same with random weights, the pre-trained encoder gives
# - a) about the same: it has never seen a label
# - b) clearly more
# - c) clearly less: it has learned to paint, not to classify

# %% tags=["predict"] exercise="predict_probe"
### BEGIN SOLUTION
predict_probe = "b"
### STUB
# predict_probe = ...  # "a", "b" or "c"
### END SOLUTION


# %%
def probe(encoder, seed):
    labelled = (train.images[:4000], train.labels[:4000])
    return linear_probe(encoder, labelled, (test.images, test.labels), seed)


# %% tags=["experiment"]
result = lesson.experiment(
    "predict_probe",
    {
        "random weights": lambda seed: probe(classifier(False, seed), seed),
        "pre-trained": lambda seed: probe(classifier(True, seed), seed),
    },
)
result

# %% tags=["compare"]
print(result.conclusion)

# %% [markdown]
# That encoder stayed as it was, and 4,000 labels were at hand. Now labels are **few**, and the whole encoder is
# trained: on 100 and on 500 labelled pictures, from scratch and from the pre-trained weights (fine-tuning).
# Pre-training helps
# - a) with 100 labels and with 500
# - b) with 100 labels; with 500 there is no difference beyond the spread
# - c) with neither

# %% tags=["predict"] exercise="predict_few_labels"
### BEGIN SOLUTION
predict_few_labels = "a"
### STUB
# predict_few_labels = ...  # "a", "b" or "c"
### END SOLUTION


# %%
def few_labels(count, pretrained, seed):
    vit, mine = classifier(pretrained, seed), slice(seed * count, (seed + 1) * count)  # other pictures for each seed
    epochs = 30 if count == 100 else 12
    fit(vit, train.images[mine], train.labels[mine], epochs=epochs, batch_size=25, lr=1e-3, seed=seed)
    return evaluate(vit, test.images, test.labels)


# %% tags=["experiment"]
result = lesson.experiment(
    "predict_few_labels",
    {
        "100 labels, from scratch": lambda seed: few_labels(100, False, seed),
        "100 labels, fine-tuned": lambda seed: few_labels(100, True, seed),
        "500 labels, from scratch": lambda seed: few_labels(500, False, seed),
        "500 labels, fine-tuned": lambda seed: few_labels(500, True, seed),
    },
)
result

# %% tags=["compare"]
print(result.conclusion)

# %% [markdown]
# Painting gaps has taught it what garments look like, and the fewer the labels, the more that is worth: over the
# shipped seeds 19 points with 100 labels, 12 with 500. The paper's gain on ImageNet, with all of its labels, is smaller
# and in the same direction.

# %% [markdown] tags=["ta-note"]
# **TA, 9 minutes.** Start with `tokens_afterwards`. Run both experiments before class; take a vote before each table.
# - **They get wrong:** 50 for 197: masking left on after pre-training, the slip to look for in code too. The features
#   are then those of a quarter of each picture. In `predict_probe`, a) and c): to paint a sleeve one has to know that
#   it is a shirt, and a linear layer can read that off. In `predict_few_labels`, b): with 500 it is still 12 points,
#   several times the spread.
# - **Ask next:** Is the comparison fair? (Same model, same labels, same epochs; but the pre-trained one has seen 12,000
#   pictures without their labels, which is the point.) What would change with 12,000 labels? (Most likely the gain
#   shrinks: with all of ImageNet's labels the paper has 82.5 and 84.9.)
# - **Run live:** `"predict_probe",`, `"predict_few_labels",`: both tables from before class; in the second the gain at
#   100 labels beside that at 500.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 8 · How much to hide (6 min)
#
# A smaller model with patches of 7 x 7 (16 of them), short runs, the same number of steps for each ratio; then a linear
# probe on whole pictures. In the paper 75% came out best for linear probing. On *these* pictures
# - a) 75% comes out ahead of 15%, as in the paper
# - b) there is no difference between them beyond the luck of the seed
# - c) 15%, as in BERT, comes out ahead of 75%

# %% tags=["predict"] exercise="predict_mask_ratio"
### BEGIN SOLUTION
predict_mask_ratio = "c"
### STUB
# predict_mask_ratio = ...  # "a", "b" or "c"
### END SOLUTION

# %%
SMALL = (28, 7, 1, 48, 2, 4, 32, 1, 4)  # 16 patches of 7 x 7; encoder 48 wide, 2 blocks; decoder 32 wide, 1 block


@cache  # part 9 needs two of these again
def small_probe(seed, mask_ratio=0.75, kind=mae.MaskedAutoencoder, epochs=8):
    torch.manual_seed(seed)
    small = kind(*SMALL, mask_ratio)
    if epochs:
        some = train.images[:6000], train.labels[:6000]
        fit(small, *some, epochs=epochs, lr=3e-3, seed=seed, loss=mae.pretraining_loss)
    return probe(mae.encoder_of(small), seed)


# %% tags=["experiment"]
result = lesson.experiment(
    "predict_mask_ratio",
    {
        "random weights": lambda seed: small_probe(seed, epochs=0),
        "15% hidden": lambda seed: small_probe(seed, 0.15),
        "50% hidden": lambda seed: small_probe(seed, 0.5),
        "75% hidden": lambda seed: small_probe(seed),
        "90% hidden": lambda seed: small_probe(seed, 0.9),
    },
)
result

# %% tags=["compare"]
print(result.conclusion)

# %%
figures.ratio_sweep(result.values, result.shipped)

# %% [markdown]
# Here BERT's 15% is ahead, by little, but for every seed that was shipped. That is *not* the paper's curve, where
# linear probing ranges from 54.6% to 73.5% over the ratios and is best at 75%. Much is different: a garment in the
# middle of 28 x 28 pixels has less to copy from next door than a photograph cut into 196 patches, the model is tiny,
# the runs last seconds, and the probe shows whole pictures to an encoder that at 75% has never met more than 4 patches
# at once. At 90% it has met a single one, and what it learned is worth hardly more than random weights.
#
# What carries over is the price: look at the seconds. And that the answer to "why 75%" is not a law: it depends on how
# much the pieces of your data say about each other.

# %% [markdown] tags=["ta-note"]
# **TA, not in the section.** These runs are seconds long; the paper's are days. Have them say what they would trust
# them for: a direction, where it clears the spread, and nothing else.
# - **They get wrong:** They expect 75% to win, as in the paper. Here 15% is ahead, by little.
# - **Ask next:** Which of the paper's conditions does this run not have? (The size of the pictures and of the model,
#   and the length of the training.)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 9 · Mask tokens in the encoder (6 min)
#
# BERT's way: no patch is left out, each hidden one is replaced by a mask token *before* the encoder. Same pictures,
# same steps, then a linear probe on whole pictures. Against leaving them out, that gives
# - a) more: the encoder knows what is missing
# - b) no difference beyond the luck of the seed
# - c) less

# %% tags=["predict"] exercise="predict_mask_tokens"
### BEGIN SOLUTION
predict_mask_tokens = "c"
### STUB
# predict_mask_tokens = ...  # "a", "b" or "c"
### END SOLUTION

# %% tags=["experiment"]
result = lesson.experiment(
    "predict_mask_tokens",
    {
        "random weights": lambda seed: small_probe(seed, epochs=0),
        "left out": lambda seed: small_probe(seed),
        "mask tokens": lambda seed: small_probe(seed, kind=mae.MaskTokensInEncoder),
    },
)
result

# %% tags=["compare"]
print(result.conclusion)

# %% [markdown]
# Less, as in the paper (59.6% against 73.5%): no more than a little over random weights. And slower: compare the
# seconds with those at 75% in part 8. Three quarters of all patches that this encoder has ever read were mask tokens;
# in a whole picture it meets none and is out of its element. An encoder that was shown kept patches only meets more of
# the same.
#
# That is the second half of "why a decoder": mask tokens have to come in somewhere, and better where they are thrown
# away.

# %% [markdown] tags=["ta-note"]
# **TA, not in the section.** The second half of "why a decoder": mask tokens have to come in somewhere, and better
# where they are thrown away.
# - **They get wrong:** They expect more from the encoder that knows what is missing.
# - **Ask next:** Which tokens does the encoder meet in pre-training that it never meets again afterwards? (The mask
#   tokens.)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 10 · Drag the ratio (5 min) ★
#
# The whole model runs in your browser, on each movement of the slider. Walk first; then find the fewest patches from
# which it still paints a sandal as a sandal, and a boot as a boot.

# %% tags=["explorer"]
explorer.explore(load_mae(), some, names)

# %% [markdown]
# At 100% it has seen nothing, which never happened in training: a ghost of all garments. At 0% nothing is hidden;
# without the tick you see that it never learned to copy.

# %% [markdown] tags=["ta-note"]
# **TA, 5 minutes.** The picture and its name stand beside the painting, so have the room judge the painting. Choose the
# sandal, start at 92% (3 patches) and drag down until everybody would call it a sandal; then the ankle boot.
# - **They get wrong:** At 100% they take the ghost for a failure: having seen nothing never happened in training. At
#   0%, without the tick, what was shown looks bad: it never learned to copy.
# - **Ask next:** From how few patches does it paint a sandal as a sandal? (There is no one answer: it depends on which
#   patches they are. Ask for another mask at the same ratio.)
# - **Run live:** `explorer.explore(load_mae()…`: the ratio; then "Another mask" at the same ratio.

# %% [markdown]
# ## 11 · Published weights in your own class (4 min)
#
# *Optional, needs a network: about 450 MB.* The MAE of the paper, a ViT-B/16 pre-trained on ImageNet-1K, fits your
# class as well. Without a network this cell says so, and nothing is lost.

# %% tags=["optional"]
from helpers.hub import HubError
from helpers.hub_mae import denormalise, load_published_mae, normalise

try:
    published = load_published_mae(Autoencoder)
except HubError as error:
    published = None
    print(error)


# %% tags=["optional"]
def repaint(model, picture):
    order = torch.rand(1, 196, generator=torch.Generator().manual_seed(0)).argsort(dim=1)
    with torch.no_grad():
        embeddings, mask, ids_restore = model.forward_encoder(normalise(picture)[None], order)
        painted = model.forward_decoder(embeddings, ids_restore)
    return figures.painted_photo(picture, mask[0], painted[0], 16, denormalise)


# %% tags=["optional"]
repaint(published, photo("astronaut", (224, 224))) if published else None

# %% [markdown] tags=["ta-note"]
# **TA, not in the section.** Optional, needs a network: about 450 MB. Try it on the room's network before you promise
# it.
# - **They get wrong:** Without a network the cell says so; that is no error of theirs.
# - **Ask next:** Why do the paper's weights fit into your own class? (Names, orders and the eps of the norms are those
#   of the published model.)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What you can say now
#
# - Hide three quarters of the patches at random, encode the rest, let a small decoder paint what was hidden, and count
#   the error there: a picture without a label has become a question with an answer.
# - The decoder is needed since the encoder has no tokens for what it did not see, and it keeps mask tokens and pixel
#   detail out of the part that one keeps.
# - So much is hidden because pictures repeat themselves; leaving it out makes the encoder cheap as well.
# - What comes out is an encoder that needs few labels.
#
# Read on: the [MAE paper](https://arxiv.org/abs/2111.06377) and its [code](https://github.com/facebookresearch/mae), in
# which you will recognise your own functions; [BERT](https://arxiv.org/abs/1810.04805) for the idea. Next, lesson 08: a
# few convolutions at the start.

# %% [markdown] tags=["worksheet"]
# There are far more pictures than labels. **How can a ViT learn from pictures that nobody has labelled?**
#
# ### `what_to_hide`
# BERT learns language without labels: it hides some of the words of a sentence and predicts them. Carry that over to a
# ViT.
#
# > Patches are the tokens of a ViT, its words. Random ones, so that no rule gives them away.
#
# ### `what_to_predict`
# > The picture itself holds the right answer: the target costs no label.
#
# ### `why_mostly_hidden` (7 mm)
# BERT hides 15% of the words. The masked autoencoder (MAE) hides 75% of the patches.
#
# > Pictures are redundant: with small gaps the model copies from next door and learns nothing about the whole.
#
# ### Hide, and put back (16 mm)
# The tokens are a b c d. `ids_shuffle = [2, 0, 3, 1]` says which token is drawn first, second, ...; the first two drawn
# are kept. Write down what is kept, in the order drawn; the mask in the order of the picture (1: masked); and
# `ids_restore`, which undoes the shuffle: the number at which each of a, b, c, d was drawn, counted from 0.
#
# > Drawn: c, a, d, b. Kept: **c, a**. Mask: **0 1 0 1**, as b and d are hidden. `ids_restore`: **[1, 3, 0, 2]**.
# > Common: the mask in the order drawn, 0 0 1 1; and [2, 0, 3, 1], the shuffle itself, as `ids_restore`.
#
# ### `attention_share`
# MAE's encoder reads the kept quarter of the patches, nothing else. Give the new cost over the old one.
#
# > Every token looks at every token: (N/4)² / N² = 1/16. (The linear layers shrink to 1/4 only.)
#
# ### `predict_few_labels`
# An encoder is pre-trained as an MAE on 12,000 pictures, and no label is used.
#
# > Pre-training has taught the encoder what garments look like; the fewer labels there are, the more that is worth: 19
# > points with 100, 12 with 500.
