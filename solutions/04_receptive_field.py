# %% [markdown] slideshow={"slide_type": "slide"}
# # 04 · What one token can see
#
# Change a pixel in one corner of a picture. Which units of a network notice, layer by layer? In a CNN? And in a ViT?
# This lesson answers part (d) of the discussion sheet: what is the receptive field of one token after the first layer,
# how does that compare with a CNN, and is it good or bad?
#
# After this lesson you can
#
# - compute the receptive field of any CNN from its kernels, strides and dilations,
# - measure the field of any model, pixel by pixel, and know what such a measurement proves,
# - say how much of its field a unit really uses, and how far the heads of a trained ViT look,
# - argue for and against a large field, with numbers.
#
# {{contents}}
#
# Short of time? The parts marked ★ make up one section of at most 50 minutes; the others can wait.

# %% [markdown]
# Run this cell first (Shift+Enter). `lesson.hint("cnn_receptive_field")` gives a hint, and asking again a bigger one.

# %% tags=["setup"]
from functools import partial

import torch

from helpers.check import Lesson
from helpers.data import denormalise, fashion_mnist, photo
from helpers.explorers import receptive_field as explorer
from helpers.figures import receptive_field as figures
from helpers.figures.whole_model import whole_model
from helpers.models import receptive_field as fields
from helpers.models.checkpoints import load_vit
from helpers.models.cnn import SmallCNN
from helpers.models.far_apart import local_cnn, one_block_vit, two_marks
from helpers.models.vit import ViT
from helpers.train import evaluate, fit

lesson = Lesson("04", globals())
lesson

# %%
whole_model(["patches", "attention"], {"patches": "a token sees its own patch", "attention": "and then ... what?"})

# %% [markdown] tags=["ta-note"]
# **TA, opening.** Ask: one pixel in the corner changes; which units of a network notice? Take one guess for a CNN and
# one for a ViT, and leave both open. The explorer of part 8 works as a trailer, but only with a CNN: what a ViT's token
# sees is the question of part 3. Part 7 is the sheet's question: keep its minutes whatever happens.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 1 · What a unit of a CNN sees (21 min) ★
#
# The **receptive field** of a unit is the set of pixels that can change it. Change a pixel outside: the unit stays
# exactly as it was. Change one inside: it can change. Here is one row of pixels under three layers.

# %%
figures.growth([(3, 1, 1), (3, 2, 1), (3, 1, 2)])

# %% [markdown]
# Stride and dilation come in a moment. Begin with plain convolutions: three of them stand on top of each other, each
# with a 3x3 kernel and stride 1. **How many pixels wide is the square that one unit at the top sees?** Draw one row, as
# above.

# %% tags=["answer"] exercise="field_three_convs"
### BEGIN SOLUTION
field_three_convs = 7
### STUB
# field_three_convs = ...  # pixels on a side
### END SOLUTION

# %% tags=["check"] exercise="field_three_convs"
lesson.check("field_three_convs")

# %% [markdown] slideshow={"slide_type": "slide"}
# A **stride** of 2 makes a layer compute every second unit only. The units that come out lie 2 pixels apart, so for
# the layers above each step is worth 2 pixels. A pooling is a layer like any other: it has a kernel and a stride.
#
# From the input up: a 3x3 convolution with stride 2, a 3x3 convolution with stride 1, a 2x2 pooling with stride 2.
# **How many pixels on a side does one unit at the top see?**

# %% tags=["answer"] exercise="field_with_strides"
### BEGIN SOLUTION
field_with_strides = 9
### STUB
# field_with_strides = ...  # pixels on a side
### END SOLUTION

# %% tags=["check"] exercise="field_with_strides"
lesson.check("field_with_strides")

# %% [markdown] slideshow={"slide_type": "slide"}
# **Dilation** pulls a kernel apart: with dilation 2 a kernel of 3 reads places 0, 2 and 4 of the layer below. It sees
# further, and skips what lies between.
#
# **Exercise.** `cnn_receptive_field(layers)` takes a list of `(kernel, stride, dilation)`, from the input up, and
# returns how many pixels on a side one unit at the top sees. An empty list stands for the pixels themselves: 1. By
# hand:
#
#     [(3, 1, 1), (3, 1, 2)]     3 pixels, and two steps of 2 pixels: 7
#     [(3, 2, 1), (3, 1, 2)]     3 pixels, and two steps of 2 units, each 2 pixels apart: 11


# %% tags=["exercise"] exercise="cnn_receptive_field"
def cnn_receptive_field(layers):
    """Pixels on a side that one unit of a CNN sees.

    layers: [(kernel, stride, dilation), ...] from the input up
    Returns a whole number.
    """
    ### BEGIN SOLUTION
    side, apart = 1, 1  # pixels that a unit sees, pixels between neighbouring units
    for kernel, stride, dilation in layers:
        side += (kernel - 1) * dilation * apart
        apart *= stride
    return side
    ### END SOLUTION


# %% tags=["check"] exercise="cnn_receptive_field"
lesson.check("cnn_receptive_field")

# %% [markdown]
# As a formula: $1 + \sum_i (k_i - 1)\, d_i \prod_{j<i} s_j$. Note what is not in it: the padding. Zeros around the
# picture never change, so there is nothing in them to see.
#
# Now for two famous networks. Their 1x1 convolutions add nothing (why?), so we leave those out. (ResNet-50 strides in
# its 3x3 convolutions here, as torchvision builds it.)

# %%
field = lesson.piece("cnn_receptive_field")
conv, down, pool = (3, 1, 1), (3, 2, 1), (2, 2, 1)
vgg16 = [conv, conv, pool] * 2 + [conv, conv, conv, pool] * 3
resnet50 = [(7, 2, 1), down] + [conv] * 3 + [down] + [conv] * 3 + [down] + [conv] * 5 + [down] + [conv] * 2

# %% tags=["compare"]
print("VGG-16, after its last pooling:", field(vgg16), "pixels")
print("ResNet-50, after its last block:", field(resnet50), "pixels")

# %% [markdown]
# Both are made for pictures of 224 pixels. A unit of VGG-16 just misses seeing all of one; a unit of ResNet-50 could
# see nearly two, side by side. Strides did that. **How many layers would it take without them?** That is: how many 3x3
# convolutions of stride 1 until a unit in the middle sees at least 224 pixels?

# %% tags=["answer"] exercise="convs_to_see_all"
### BEGIN SOLUTION
convs_to_see_all = 112
### STUB
# convs_to_see_all = ...  # layers
### END SOLUTION

# %% tags=["check"] exercise="convs_to_see_all"
lesson.check("convs_to_see_all")

# %% [markdown] tags=["ta-note"]
# **TA, 20 minutes.** Both questions by hand, on one row of pixels; then the room writes `cnn_receptive_field`.
# `convs_to_see_all` at the end, by vote.
# - **They get wrong:** *stride one layer early*, the classic: 13 for 9 in `field_with_strides`. Let them say in words
#   what a stride of the last layer changes for its own units: nothing. Second, *a dilated kernel taken as kernel times
#   dilation*. Who quotes 483 for ResNet-50 has its first version in mind, whose blocks stride in a 1x1 convolution.
# - **Ask next:** What is the field of a unit near the border? (The same square, part of it in the padding.)
# - **Run live:** `figures.growth(…`, `print("VGG-16…`: one unit, layer by layer; then VGG-16, which just misses seeing
#   all of its 224 pixels.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 2 · Do not believe it, measure it (21 min)
#
# A formula for CNNs says nothing about a ViT. A measurement does: the gradient of one unit by the picture says, pixel
# by pixel, whether the unit reacts. Where no path leads from a pixel to the unit, the gradient is zero. Not small:
# zero.
#
# A picture can have a gradient as a weight can: after `x.requires_grad_()`, `torch.autograd.grad(number, x)` returns a
# tuple with one tensor of the shape of `x`.
#
# **Exercise.** `measured_receptive_field(model, image, unit)`: `image` is `(1, C, H, W)`; `unit` is a tuple, the index
# of one number of `model(image)`, such as `(0, 5, 3, 4)`. Return truth values `(H, W)`: where the gradient of
# `model(image)[unit]` is not zero in **any** of the channels. Leave `image` as it came: work on a copy.


# %% tags=["exercise"] exercise="measured_receptive_field"
def measured_receptive_field(model, image, unit):
    """The pixels to which one unit reacts.

    model: takes `image`; image: (1, C, H, W), floating point; unit: index of one number of model(image)
    Returns bool (H, W)
    """
    ### BEGIN SOLUTION
    image = image.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(model(image)[unit], image)  # (1, C, H, W)
    return (gradient != 0).any(dim=1)[0]
    ### END SOLUTION


# %% tags=["check"] exercise="measured_receptive_field"
lesson.check("measured_receptive_field")

# %% [markdown]
# Three CNNs with random weights look at a cat. The first has three plain 3x3 convolutions, the second two with stride 2
# below them; the third has a plain one and two with dilation 8. What does one unit see? (It stands over the eye on the
# left.)

# %%
cat = photo("chelsea", (112, 168))  # (C, H, W), between 0 and 1
networks = {
    "three 3x3": [(3, 1, 1)] * 3,
    "two strides below": [(3, 2, 1), (3, 2, 1)] + [(3, 1, 1)] * 3,
    "dilation 8 on top": [(3, 1, 1), (3, 1, 8), (3, 1, 8)],
}

# %%
measured = lesson.piece("measured_receptive_field")
torch.manual_seed(0)
seen = {}
for name, layers in networks.items():
    apart = 112 // fields.conv_stack(layers)(cat[None]).shape[2]  # pixels between neighbouring units
    seen[name] = measured(fields.conv_stack(layers), cat[None], (0, 0, 44 // apart, 56 // apart))  # (H, W)

# %% slideshow={"slide_type": "slide"}
figures.fields(cat, seen)

# %% [markdown]
# A few pixels in an eye, a square of 31 pixels, and a grid of small squares 35 pixels wide: dilation sees far by
# leaving holes. The formula gives the side of the square around it all, holes or not. Does it agree with the gradient
# for every network? Max pooling lets only one pixel of each window through, so there we collect over 40 pictures of
# noise.


# %%
def side_by_gradient(layers, pictures=40, size=64):
    """Side of the field of the unit in the middle, as the gradient has it, over several pictures of noise."""
    model, field_so_far = fields.conv_stack(layers), torch.zeros(size, size, dtype=torch.bool)
    for image in torch.randn(pictures, 1, 3, size, size):
        middle = model(image).shape[-1] // 2
        field_so_far |= measured(model, image, (0, 0, middle, middle))
    return fields.side_of(field_so_far)


# %%
networks |= {
    "5x5 with stride 3": [(5, 3, 1), (3, 1, 1)],
    "mean pooling": [(3, 1, 1), (2, 2, 1, "mean"), (3, 1, 1)],
    "max pooling": [(3, 1, 1), (2, 2, 1, "max"), (3, 1, 1)],
    "all at once": [(5, 2, 1), (3, 1, 2), (2, 2, 1, "max"), (3, 1, 1)],
}

# %% tags=["compare"]
for name, layers in networks.items():
    print(f"{name}: formula {field([layer[:3] for layer in layers])}, gradient {side_by_gradient(layers)}")

# %% [markdown] slideshow={"slide_type": "slide"}
# They agree, for strides, dilation, both kinds of pooling, and with padding everywhere. But why did max pooling need
# 40 pictures? **On one picture, the gradient of a unit by some pixel is exactly zero. Does that prove that the pixel
# is outside the unit's field?**
#
# - a) yes: a gradient of zero means that the unit cannot see the pixel
# - b) no: on another picture, or after a larger change, the same pixel may matter
# - c) no: gradients are never exactly zero, so it must be rounding

# %% tags=["answer"] exercise="gradient_zero_once"
### BEGIN SOLUTION
gradient_zero_once = "b"
### STUB
# gradient_zero_once = ...  # "a", "b" or "c"
### END SOLUTION

# %% tags=["check"] exercise="gradient_zero_once"
lesson.check("gradient_zero_once")

# %% [markdown]
# So let us test the definition itself, without gradients: change a pixel, by up to a million, and see whether the unit
# changes in any digit. We draw 60 CNNs with strides, dilations, paddings and poolings, and change the last pixel in
# the corner of the field, or the next one beyond it. And 60 ViTs with one block: any pixel, any token.
#
# **Predict: a pixel just outside the field is changed a lot. In how many of the 60 CNNs does the unit change, by
# however little?**
#
# - a) in all of them, if only in the last digits: everything hangs together
# - b) in some, since rounding errors travel
# - c) in none: the change is exactly zero

# %% tags=["predict"] exercise="predict_outside"
### BEGIN SOLUTION
predict_outside = "c"
### STUB
# predict_outside = ...  # "a", "b" or "c"
### END SOLUTION


# %%
def cnn_reacts(steps_outside, generator):
    """Does a unit of a random CNN react to the corner of its field, or to the pixel so many steps outside it?"""
    layers = fields.random_layers(generator)
    model = fields.conv_stack(layers).double()
    image = torch.randn(1, 3, 144, 144, generator=generator, dtype=torch.float64)
    middle = model(image).shape[-1] // 2
    last = fields.field_start(layers, middle) + field([layer[:3] for layer in layers]) - 1
    pixel = (last + steps_outside, last + steps_outside)
    return fields.reacts(model, image, (0, slice(None), middle, middle), pixel)


# %%
def vit_reacts(generator):
    """Does a token of a random ViT react, after one block, to a pixel anywhere?"""
    vit = ViT((16, 24), patch_size=4, channels=3, num_classes=10, dim=16, depth=1, heads=2).double()
    image = torch.randn(1, 3, 16, 24, generator=generator, dtype=torch.float64)
    row, col, token = (int(torch.randint(size, (1,), generator=generator)) for size in (16, 24, 24))
    return fields.reacts(lambda x: vit.stages(x)["block_0"], image, (0, 1 + token), (row, col))


# %%
def share(reacts, seed):
    """In how many percent of 60 random networks the unit changes."""
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    return 100 * sum(reacts(generator) for _ in range(60)) / 60


# %% tags=["experiment"]
result = lesson.experiment(
    "predict_outside",
    {
        "CNN, pixel inside": partial(share, partial(cnn_reacts, 0)),
        "CNN, pixel outside": partial(share, partial(cnn_reacts, 1)),
        "ViT, one block, any pixel": partial(share, vit_reacts),
    },
)
result

# %% tags=["compare"]
print(result.conclusion)

# %% [markdown]
# Inside, always; outside, never, not in the last digit; in the ViT, always, wherever the pixel and the token. (On a
# GPU some convolution algorithms work on tiles of pixels and let rounding errors cross the border; that is why this
# runs in float64 on the CPU.)

# %% [markdown] tags=["ta-note"]
# **TA, not in the section.** In the section show its result table (`predict_outside`) for a minute in part 3, after the
# vote on `vit_first_layer`: inside always, outside never, in a ViT always.
# - **They get wrong:** *the whole output instead of one unit*: the gradient of `model(image).sum()`, which is what any
#   unit sees. *only positive gradients*: `> 0` for `!= 0`. They forget that `torch.autograd.grad` returns a tuple, and
#   that `.grad` adds up over two uses.
# - **Ask next:** Which measurement could prove that a pixel is outside? (None: it can show that a pixel is inside. The
#   proof is that no path leads there.)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 3 · What a token of a ViT sees (11 min) ★
#
# Now ViT-B/16 on 224 pixels. **How many pixels on a side does a patch token see before the first block?** (Lesson 01:
# the patch embedding is a convolution. Your formula knows the answer.)

# %% tags=["answer"] exercise="patch_token_field"
### BEGIN SOLUTION
patch_token_field = 16
### STUB
# patch_token_field = ...  # pixels on a side
### END SOLUTION

# %% tags=["check"] exercise="patch_token_field"
lesson.check("patch_token_field")

# %% [markdown]
# Then comes one block. **Which pixels can change the same token after it?**
#
# - a) those of its own patch
# - b) those of its patch and the eight around it
# - c) all of them
# - d) those of the patches that its query found, the others not

# %% tags=["answer"] exercise="vit_first_layer"
### BEGIN SOLUTION
vit_first_layer = "c"
### STUB
# vit_first_layer = ...  # "a", "b", "c" or "d"
### END SOLUTION

# %% tags=["check"] exercise="vit_first_layer"
lesson.check("vit_first_layer")

# %% [markdown]
# A finer point. Suppose that on this picture the value of some patch happens to be exactly zero, so that nothing of it
# is added to our token. **Does that patch still belong to the token's field?**
#
# - a) no: what counts is weight times value, and that product is zero
# - b) yes: a change of the pixel changes that patch's value and key, and with them the sum
# - c) only if the patch is a neighbour

# %% tags=["answer"] exercise="small_weight_field"
### BEGIN SOLUTION
small_weight_field = "b"
### STUB
# small_weight_field = ...  # "a", "b" or "c"
### END SOLUTION

# %% tags=["check"] exercise="small_weight_field"
lesson.check("small_weight_field")

# %% [markdown] slideshow={"slide_type": "slide"}
# Your own measurement on a ViT, with random weights and patches of 14 pixels, on the same cat:

# %%
torch.manual_seed(0)
vit = ViT((112, 168), patch_size=14, channels=3, num_classes=10, dim=32, depth=2, heads=4)
token = 1 + 3 * 12 + 4  # class token first, then 8 rows of 12 patches: row 3, column 4
stages = {"before the first block": "with_positions", "after block 1": "block_0"}
seen = {
    name: measured(lambda x, stage=stage: vit.stages(x)[stage], cat[None], (0, token, 0))  # (H, W)
    for name, stage in stages.items()
}

# %%
figures.fields(cat, seen)

# %% [markdown]
# One patch before, the whole picture after. What takes over a hundred convolutions of stride 1, attention does in one
# layer. The same for one row of pixels, beside the CNN of part 1:

# %%
figures.growth([(3, 1, 1), (3, 2, 1), (3, 1, 2)], vit=True)

# %% [markdown]
#
# Is that attention's doing, or the Transformer's? Let each token attend only to its own patch and the eight around it
# (3x3 patches), as some later models do to save time. Patches have 16 pixels. **How many pixels on a side does a token
# in the middle see after three such blocks?**

# %% tags=["answer"] exercise="local_attention_field"
### BEGIN SOLUTION
local_attention_field = 112
### STUB
# local_attention_field = ...  # pixels on a side
### END SOLUTION

# %% tags=["check"] exercise="local_attention_field"
lesson.check("local_attention_field")

# %% [markdown] tags=["ta-note"]
# **TA, 11 minutes.** The three questions by vote, `local_attention_field` in pairs. After the vote on `vit_first_layer`
# show the table of `predict_outside` (part 2 of the solved lesson): a pixel outside never changes a CNN's unit, any
# pixel changes a ViT's token.
# - **They get wrong:** Who takes d) in `vit_first_layer` thinks of attention as a search with hits. Ask for a softmax
#   that gives an exact zero: only masking with minus infinity does (or rounding, where scores lie
#   more than 104 apart). 144 for `local_attention_field` adds whole windows;
#   it is a CNN's field again, counted in patches.
# - **Ask next:** And the class token after one block? (Everything as well; before it, no pixel at all.)
# - **Run live:** `figures.growth(…`: the same row of pixels as in part 1, with a ViT beside it: one patch, then
#   everything.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 4 · What it could see, and what it uses (10 min)
#
# Seeing is not using. In a deep CNN the pixel in the middle of the field reaches the unit along very many paths, a
# pixel in the corner along a single one. Count the paths in one row, for n layers with kernel 3: each layer is a step
# of -1, 0 or +1, so a pixel counts as often as n such steps end there. Sums of many independent steps make a bell
# curve.
#
# The field is $1 + 2n$ pixels wide. **How does the width of the bell, as a share of the field, change with n?** Answer
# with its growth, such as `"1/n"`.

# %% tags=["answer"] exercise="erf_share"
### BEGIN SOLUTION
erf_share = "1/sqrt(n)"
### STUB
# erf_share = ...  # an expression of n, in quotes
### END SOLUTION

# %% tags=["check"] exercise="erf_share"
lesson.check("erf_share")

# %% [markdown]
# That was counting paths. Real networks have weights and ReLUs. Luo et al. (2016) call the part that matters the
# **effective receptive field**. We measure it for random CNNs: the gradient of the unit in the middle, its squares
# averaged over 30 random networks; a pixel counts where the reaction is at least 4.55% of the strongest (what lies
# beyond two standard deviations of a Gaussian).
#
# **Predict: 4, 16 and 64 layers of 3x3 convolutions. Which share of the side of its field does a unit really react
# to?**
#
# - a) a share that shrinks as the network gets deeper
# - b) all of it, whatever the depth
# - c) a share that grows as the network gets deeper

# %% tags=["predict"] exercise="predict_effective"
### BEGIN SOLUTION
predict_effective = "a"
### STUB
# predict_effective = ...  # "a", "b" or "c"
### END SOLUTION

# %%
depths, reactions = {"4 layers": 4, "16 layers": 16, "64 layers": 64}, {}


def effective_share(name, seed):
    """Side of the effective field in percent of the theoretical one."""
    side = field([(3, 1, 1)] * depths[name])
    reaction = fields.reaction_of_random_cnns(depths[name], seed)  # (H, W)
    reactions[name] = (reaction, side)
    return 100 * fields.effective_side(reaction) / side


# %% tags=["experiment"]
result = lesson.experiment("predict_effective", {name: partial(effective_share, name) for name in depths})
result

# %% tags=["compare"]
print(result.conclusion)

# %%
shown = reactions or {"16 layers": (fields.reaction_of_random_cnns(16, 0), 33)}
figures.reactions(shown)

# %% [markdown]
# Each time the depth grows fourfold, the share falls to about a half: one over the root, as counted. The white square
# is the field, the orange one the effective field, and the dashed Gaussian explains most of the profile.
#
# And a ViT? Here is one token of the *trained* small ViT that comes with the course, stage by stage.

# %%
trained = load_vit()
test = fashion_mnist("test")
number = 3 * 7 + 3  # 7 rows of 7 patches: row 3, column 3
maps = fields.token_reactions(trained, test.images[:1], [number])[:, 0]  # (stages, H, W)
titles = ["before block 1", "after block 1", "after block 2", "after block 3"]
figures.token_reactions(denormalise(test.images[0]), dict(zip(titles, maps, strict=True)), (12, 12, 4))

# %% [markdown]
# After block 1 all 784 pixels count, and nearly all of the reaction still goes to the token's own patch: the residual
# connection carries it past the attention. (Colours show the root of the reaction, or one would see nothing else.) A
# field as large as the picture is an *offer*. A CNN's effective field is smaller than its field for want of paths; a
# ViT's is as large or small as it has learnt.

# %% [markdown] tags=["ta-note"]
# **TA, not in the section.** Draw Pascal's triangle for kernel 2 if the bell is not obvious. Luo et al. report that
# training widens the effective field; here the weights are random.
# - **They get wrong:** In `erf_share` they give the width of the bell, sqrt(n), where its share of the field is asked
#   for.
# - **Ask next:** What do skip connections do to the effective field of a ResNet? (They add short paths: it gets
#   narrower.)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 5 · How far do heads look? (16 min)
#
# The ViT paper measures what plays the part of a receptive field in a Transformer: the **attention distance**. For
# each query, the mean distance to all patches, weighted by how much it attends to each; then the mean over queries and
# pictures. One number a head.
#
# By hand, on a grid of 1 x 3: the left patch attends to the three patches with weights 0.5, 0.25, 0.25. They lie 0, 1
# and 2 patches away, so its distance is 0.25 + 0.5 = 0.75 patches.
#
# **Exercise.** `attention_distance(weights, grid)`: `weights` is `(B, heads, N, N)`, row i is where patch i looks, and
# sums to 1; `grid = (rows, cols)`; patches stand in the sequence **{{sequence_words}}**, without a class token.
# Distances are straight lines between the patches' middles, in patches: a diagonal neighbour is $\sqrt 2$ away. Return
# `(heads,)`.


# %% tags=["exercise"] exercise="attention_distance"
def attention_distance(weights, grid):
    """How far each head looks, in patches.

    weights: (B, heads, N, N), rows sum to 1; grid: (rows, cols) with rows * cols = N
    Returns (heads,)
    """
    ### BEGIN SOLUTION
    rows, cols = grid
    number = torch.arange(rows * cols, device=weights.device)
    ### sequence: row-major
    places = torch.stack([number // cols, number % cols], dim=1).to(weights.dtype)  # (N, 2)
    ### sequence: column-major
    places = torch.stack([number % rows, number // rows], dim=1).to(weights.dtype)  # (N, 2)
    distances = (places[:, None] - places[None, :]).norm(dim=-1)  # (N, 2) -> (N, N)
    return (weights * distances).sum(dim=-1).mean(dim=(0, 2))  # (B, heads, N, N) -> (heads,)
    ### END SOLUTION


# %% tags=["check"] exercise="attention_distance"
lesson.check("attention_distance")

# %% [markdown] slideshow={"slide_type": "slide"}
# In the paper's large ViT, figure 7 (right), the heads of the first blocks are all different: some look across most of
# the picture, others hardly beyond the next patch, as a convolution does. Further up, all look far.
#
# Ours is tiny: 3 blocks, 4 heads, 7 x 7 patches, trained on 12,000 pictures. A head that looks everywhere alike is
# 100%; one that looks at 3x3 patches comes to less than a third of that.
#
# **Predict: how far does its most local head of block 1 look?**
#
# - a) about 30%, as a 3x3 convolution over patches would: locality is learnt
# - b) about 60%: half way between near and everywhere
# - c) over 90%: hardly less far than a head that looks everywhere alike

# %% tags=["predict"] exercise="predict_distance"
### BEGIN SOLUTION
predict_distance = "c"
### STUB
# predict_distance = ...  # "a", "b" or "c"
### END SOLUTION

# %%
distance = lesson.piece("attention_distance")
everywhere = distance(torch.full((1, 1, 49, 49), 1 / 49), (7, 7)).item()
window = distance(fields.window_weights((7, 7)), (7, 7)).item()


def block_distances(seed):
    """Distance of every head of every block, in percent of looking everywhere alike, over 128 test pictures."""
    chosen = torch.randperm(len(test.images), generator=torch.Generator().manual_seed(seed))[:128]
    blocks = fields.vit_attention(trained, test.images[chosen])  # (B, heads, 1+N, 1+N) each
    return [100 / everywhere * distance(fields.without_class_token(block), (7, 7)) for block in blocks]


# %% tags=["experiment"]
result = lesson.experiment(
    "predict_distance",
    {
        "a 3x3 window": lambda seed: 100 * window / everywhere,
        "block 1, most local head": lambda seed: block_distances(seed)[0].min(),
        "block 1, farthest head": lambda seed: block_distances(seed)[0].max(),
        "block 1, mean of heads": lambda seed: block_distances(seed)[0].mean(),
        "block 3, mean of heads": lambda seed: block_distances(seed)[2].mean(),
    },
)
result

# %% tags=["compare"]
print(result.conclusion)

# %%
figures.head_distances([everywhere / 100 * heads for heads in block_distances(0)], everywhere, window)

# %% [markdown]
# The heads do differ, and their mean distance does grow with depth, as in the paper, but the effect is a shadow of it:
# on average every head of this small ViT looks about as far as one that looks everywhere, and the most local heads of
# blocks 1 and 3 are alike. Nothing in the architecture pulls attention towards the neighbours; the paper's model found
# local heads with far more data, blocks and patches. (The spread is over draws of 128 pictures; it is one trained
# model.)

# %% [markdown] tags=["ta-note"]
# **TA, not in the section.** Homework.
# - **They get wrong:** *distance along the sequence*: the patch below is then 7 away. *the grid turned over*: rows and
#   columns of a grid that is not square. *averaged over the keys as well*: a mean where the sum is meant, since the
#   weights of a row sum to 1 already.
# - **Ask next:** A head that always looks at the opposite corner has a large distance. Does it see more than one that
#   looks everywhere? (No: the distance says where the weight lies, not how much is seen.)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 6 · When does it matter? (16 min)
#
# Two experiments, one for each side. First, pictures with two marks, one on the left, one on the right, at least 12
# pixels apart. Are they alike? Neither mark alone says anything.

# %%
images, alike = two_marks(8, torch.Generator().manual_seed(1))  # (8, 1, 24, 24), (8,)
figures.marks(images, alike)

# %% [markdown]
# Three models. A ViT with a single block; a CNN of two layers, whose units see 7 pixels; and one of four layers with
# dilation. Both CNNs take the mean over all places at the end, and a linear layer decides.

# %%
near, wide = [(3, 2, 1), (3, 1, 1)], [(3, 2, 1), (3, 1, 1), (3, 1, 2), (3, 1, 4)]
field(near), field(wide)

# %%
models = {
    "ViT, one block": one_block_vit,
    "CNN, field 7": lambda: local_cnn(near, num_classes=2),
    "CNN, field 31": lambda: local_cnn(wide, num_classes=2),
}

# %% [markdown]
# **Predict: which models can tell (chance is 50%)?**
#
# - a) all of them: the CNNs' mean over the picture brings both marks together
# - b) the ViT with its one block, and the CNN whose field covers both marks; not the CNN with field 7
# - c) only the ViT: convolutions cannot compare

# %% tags=["predict"] exercise="predict_far"
### BEGIN SOLUTION
predict_far = "b"
### STUB
# predict_far = ...  # "a", "b" or "c"
### END SOLUTION


# %%
def tells_apart(name, seed):
    """Trains a model on 4,000 pictures of two marks and tests it on 2,000 others: percent."""
    generator = torch.Generator().manual_seed(seed)
    train, unseen = two_marks(4000, generator), two_marks(2000, generator)
    torch.manual_seed(seed)
    model = models[name]()
    fit(model, *train, epochs=5, lr=2e-3, batch_size=64, seed=seed)
    return evaluate(model, *unseen)


# %% tags=["experiment"]
result = lesson.experiment("predict_far", {name: partial(tells_apart, name) for name in models})
result

# %% tags=["compare"]
print(result.conclusion)

# %% [markdown]
# Somebody has to compare, and a mean with a linear layer cannot: it takes a unit that sees both marks. Attention has
# that in its first block; a CNN has it as soon as its field is wide enough. (The wide one is deeper too. But depth
# alone would not help: the bound that you derive next holds for any CNN whose units see one mark at a time.) So it is
# the *field* that decides, not the kind of network.

# %% [markdown]
# The CNN with field 7 is to say whether two distant marks are alike, and sees one of them at a time. It is not quite
# helpless: each place casts a vote, the same for a mark wherever it stands, and the votes add up to
# `vote(left) + vote(right)`. It says "alike" above a threshold. You may choose votes and threshold as you like. There
# are four kinds of marks, all equally frequent; half of all pairs are alike, and the six unlike pairs are equally
# frequent too. **What is the best accuracy that such a sum of votes can reach, in percent?** (To one digit after the
# point.)

# %% tags=["answer"] exercise="best_without_seeing_both"
### BEGIN SOLUTION
best_without_seeing_both = 66.7
### STUB
# best_without_seeing_both = ...  # percent
### END SOLUTION

# %% tags=["check"] exercise="best_without_seeing_both"
lesson.check("best_without_seeing_both")

# %% [markdown]
# Your CNN with field 7 did not even find those votes, and that is no accident. Each kind of mark stands as often in
# pictures that are alike as in pictures that are not, so a vote tells nothing on average. The cross-entropy, which is
# what training lowers, is smallest when all votes are equal and the answer is 50% every time.

# %% [markdown] slideshow={"slide_type": "slide"}
# Now the other side. **Predict: only 300 pictures of garments to learn from, 2,000 to test on. A ViT and a CNN, each
# with a learning rate that suits it: who wins?**
#
# - a) the ViT: it is free to look wherever that helps
# - b) neither: no difference beyond the spread, as with many pictures in lesson 02
# - c) the CNN: that near pixels belong together is built in, and the ViT has to learn it

# %% tags=["predict"] exercise="predict_few"
### BEGIN SOLUTION
predict_few = "c"
### STUB
# predict_few = ...  # "a", "b" or "c"
### END SOLUTION

# %%
train = fashion_mnist("train")
rivals = {
    "CNN": (lambda: SmallCNN(channels=1, num_classes=10, width=12), 4e-3),  # the model, its learning rate
    "ViT": (lambda: ViT(28, patch_size=7, channels=1, num_classes=10, dim=64, depth=2, heads=4), 1e-3),
}


def from_few(name, seed):
    """Trains on 300 pictures, other ones for each seed, and tests on 2,000: percent."""
    part = slice(300 * seed, 300 * seed + 300)
    build, lr = rivals[name]
    torch.manual_seed(seed)
    model = build()
    fit(model, train.images[part], train.labels[part], epochs=40, lr=lr, batch_size=50, seed=seed)
    return evaluate(model, test.images, test.labels)


# %% tags=["experiment"]
result = lesson.experiment("predict_few", {name: partial(from_few, name) for name in rivals})
result

# %% tags=["compare"]
print(result.conclusion)

# %% [markdown]
# In photographs near pixels belong together far more often than distant ones. A CNN has that built in, a ViT has to
# find it out: with 300 pictures what is built in decides. In lesson 02, with thousands of them, the two came
# out level; with very many the ViT pulls ahead (that is the ViT paper's main result).

# %% [markdown] tags=["ta-note"]
# **TA, not in the section.** Part 7 begins with its two result tables.
# - **They get wrong:** For `best_without_seeing_both` nearly everybody answers 62.5% first: one kind of mark with a
#   large vote. It is 66.7%: two kinds get the same large vote, half of the like pairs pass, and one of the six unlike
#   ones.
# - **Ask next:** Would a max over places in place of the mean help the small CNN? (Yes. A channel then says whether its
#   kind is there at all; alike means one kind, unlike two, and a linear layer can count that.)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 7 · For and against, in your words (8 min) ★
#
# The sheet asks: **what is the receptive field of one token after the first layer, how does that compare with a CNN,
# and what are the pros and cons?** Answer in **five or six sentences**, for a person to read. Name at least one
# argument for and two against, and back one of them with something that you measured or derived here. Mind the
# difference between *can see* and *does use*.

# %% [markdown] tags=["answer"] exercise="for_and_against"
# ### BEGIN SOLUTION
# After the first block a token's field is the whole picture: every softmax weight is above zero, so every pixel can
# change it. In a CNN the field is a square of 1 plus the sum of (kernel - 1) times dilation times the strides below,
# and a pixel outside changes nothing at all: without strides it takes 112 layers of 3x3 to see 224 pixels. For:
# distant parts can be compared at once and at any depth, and where to look depends on the picture. A ViT with one
# block told whether two marks far apart are alike; a CNN with field 7 could not. Against: every token meets every
# other, which costs N^2. And nothing tells the model that near pixels belong together: it has to learn that from data,
# and with 300 pictures the CNN won. Also, what can be seen need not be used: after block 1 a token of the trained ViT
# still reacts almost only to its own patch.
# ### STUB
# *Write your answer here.*
# ### END SOLUTION

# %% [markdown] tags=["ta-note"]
# **TA, 8 minutes.** They need evidence: vote on `predict_few` (it is on the worksheet), then show its table and that of
# `predict_far`, both in part 6 of the solved lesson. Two minutes in pairs, one argument for and two against; then
# collect them on the board in two columns. `for_and_against` is handed in as text.
# - **They get wrong:** "A ViT sees everything" is taken for "a ViT uses everything". In `predict_few`, a) forgets that
#   what is free has to be learnt, and b) that lesson 02 had thousands of pictures. A point each: the comparison, an
#   argument for, two against (cost and missing locality), evidence from the lesson.
# - **Ask next:** How could one give a ViT some locality without giving up the global view? (A convolutional stem,
#   lesson 08; local windows in some blocks; relative positions, lesson 05.)
# - **Run live:** nothing: two columns on the board say more.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 8 · Play (5 min) ★
#
# Click a unit and see its pixels on a photograph. Build a CNN layer by layer and watch the formula; then do the same
# with a token of the trained ViT. Take the guided walk first.

# %% tags=["explorer"]
explorer.explore(trained, test.images[0], photo("chelsea", (168, 252)))

# %% [markdown] tags=["ta-note"]
# **TA, 5 minutes.** Build a CNN on the projector, layer by layer, as the room calls out.
# - **They get wrong:** They stack layers of stride 1 and wonder that the square hardly grows.
# - **Ask next:** With 3x3 kernels and stride 2, after how many layers is the square wider than the cat's picture, 252
#   pixels? (Seven: 3, 7, 15, 31, 63, 127, 255.) Switch to "how strongly": what of it is left? (A bell in the middle.)
# - **Run live:** `explorer.explore(trained…`: layers first, then a token of the trained ViT before and after its first
#   block.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What you can say now
#
# - A unit of a CNN sees $1 + \sum_i (k_i - 1)\, d_i \prod_{j<i} s_j$ pixels on a side, and exactly nothing outside. A
#   token of a ViT sees its patch before the first block and the whole picture after it.
# - Can see is not does use: the effective field of a CNN with random weights is a bell whose share of the field shrinks
#   like one over the root of the depth; a trained ViT's token still reacts mostly to its own patch.
# - For: distant parts meet at once, wherever they are. Against: $N^2$ pairs, and locality has to be learnt.
#
# **Further reading.** Luo et al., [Understanding the Effective Receptive
# Field](https://arxiv.org/abs/1701.04128), NeurIPS 2016; Dosovitskiy et al.,
# [An Image is Worth 16x16 Words](https://arxiv.org/abs/2010.11929), ICLR 2021, figure 7; Araujo et al.,
# [Computing Receptive Fields of Convolutional Neural Networks](https://distill.pub/2019/computing-receptive-fields/),
# Distill 2019. Next, lesson 05: if every token sees every other, how does it know where they are?

# %% [markdown] tags=["worksheet"]
# **How much of the picture can one token see after the first layer: of a CNN, of a ViT? And is more better?**
#
# ### `field_three_convs` (9 mm)
# Three 3x3 convolutions of stride 1 stand on top of each other. A row of pixels and the three rows of units above it
# are drawn. Shade the unit in the middle at the top, then in each row below what it sees.
#
# ```grid Four rows of 11 empty cells: three layers above a row of pixels
# . . . . . . . . . . .
# . . . . . . . . . . .
# . . . . . . . . . . .
# . . . . . . . . . . .
# ```
#
# > Each layer adds one pixel on either side: 1 + 2 + 2 + 2.
# >
# > ```grid One cell shaded at the top, then 3, 5 and 7
# > . . . . . # . . . . .
# > . . . . # # # . . . .
# > . . . # # # # # . . .
# > . . # # # # # # # . .
# > ```
#
# ### `field_with_strides` (15 mm)
# With a stride of 2 the units of a layer lie 2 pixels apart, so each step of the layers above is worth 2 pixels. From
# the input up: a 3x3 convolution with stride 2, a 3x3 convolution with stride 1, a 2x2 pooling with stride 2.
#
# > 1 + 2 · 1 + 2 · 2 + 1 · 2. Every layer adds (kernel - 1) times the strides *below* it; the last stride concerns
# > nobody.
#
# ### `vit_first_layer`
# Now a ViT. Before the first block a token has seen its own patch only. Then comes one block.
#
# > Every token adds its value with a weight above zero: one block, and the field is the whole picture.
#
# ### `local_attention_field` (14 mm)
# Let each token attend only to its own patch and the eight around it. Patches have 16 x 16 pixels.
#
# > 1 + 2 + 2 + 2 = 7 patches, as with three 3x3 convolutions; 7 · 16 pixels.
#
# ### `predict_few`
# > A CNN has it built in that near pixels belong together. A ViT has to learn it, and 300 pictures are too few for
# > that.
#
# ### Part 7: for and against (22 mm)
# Three sentences. Compare: what can one token see after the first layer, in a CNN and in a ViT? Then one argument for
# the ViT and one against it, one of them with a number or a measurement.
#
# > After one block a token's field is the whole picture; a unit of a CNN sees a square of a few pixels, which grows
# > with every layer, and exactly nothing outside: without strides it takes 112 layers of 3x3 to see 224 pixels.
# > **For:** distant parts can be compared at once; a ViT with one block tells whether two far marks are alike, a CNN
# > with field 7 does not. **Against:** every token meets every other, N² pairs; and that near pixels belong together
# > has to be learnt, so with 300 pictures the CNN wins. Common: "it sees everything" for "it uses everything".
