"""Written answers, predictions and the free text of lesson 08."""

from __future__ import annotations

from helpers.exercises.definition import Claim, Experiment, Question
from helpers.exercises.written import Choice, FreeText, Number
from helpers.papers import CONV_STEM_EPOCHS, CONV_STEM_RANGE, CONV_STEM_SGD


def hybrid_patch() -> Question:
    """The patch size on a backbone's feature map."""
    return Question(
        id="hybrid_patch",
        title="Patches of a feature map",
        points=1,
        minutes=2,
        difficulty=1,
        answer=Number(
            1,
            "",
            wrong={
                16: "The map has only 14 x 14 places: no patch of 16 x 16 places fits. 16 *pixels* of the picture "
                "already lie under each place.",
                14: "One patch of 14 x 14 places covers the whole map: a single token.",
                196: "That is the number of tokens. How large is each patch, counted in places of the map?",
                224: "That is the picture in pixels; the patches are cut out of the map of 14 x 14 places.",
            },
        ),
        hints=(
            "The patches are cut out of the map, not out of the picture. How many patches of p x p places has it?",
            "(14 / p) * (14 / p) tokens are wanted to be 196.",
        ),
    )


def token_sees_stem() -> Question:
    """The receptive field of one token of the stem."""
    return Question(
        id="token_sees_stem",
        title="What a token of the stem can see",
        points=1,
        minutes=4,
        difficulty=2,
        answer=Number(
            31,
            "pixels",
            wrong={
                16: "That is how far apart tokens lie, and what a patchify token sees. The 3x3 kernels overlap: go "
                "through the layers one by one.",
                9: "You added 2 pixels for each convolution. After a stride the next kernel steps over 2, 4, 8 pixels "
                "at a time.",
                61: "You multiplied the strides one layer early: the kernel of a layer works on what came in, at the "
                "steps of the layers *below* it.",
                63: "You took the 1x1 convolution for a 3x3 one: it sees one place, so it adds nothing.",
                33: "You counted one step of 2 too many: the sum starts with 1 pixel, and adds 2 times 1, 2, 4, 8.",
                32: "Nearly: 1 + 2 * (1 + 2 + 4 + 8) is one pixel less.",
                15: "That is the sum of the steps, 1 + 2 + 4 + 8. Each 3x3 kernel reaches 2 steps further, and the sum "
                "starts with 1 pixel.",
                30: "The pixel that the sum starts from is missing.",
                81: "You multiplied the kernels. Fields add up: each layer reaches a little further.",
            },
        ),
        hints=(
            "side = 1 + the sum over layers of (kernel - 1) * (product of the strides of the layers below).",
            "Kernel 3 four times: (3 - 1) * 1, then * 2, * 4, * 8; the 1x1 adds 0.",
        ),
    )


def stem_norm_mixes() -> Question:
    """Batch normalisation in training and in evaluation mode."""
    return Question(
        id="stem_norm_mixes",
        title="Pictures that meet in the stem",
        points=1,
        minutes=2,
        difficulty=2,
        answer=Choice(
            {
                "a": "no, never: convolutions work on one picture at a time",
                "b": "while training yes, in evaluation mode no",
                "c": "yes, in both modes",
                "d": "in evaluation mode only",
            },
            right="b",
            wrong={
                "a": "Convolutions do; the norms between them do not. BatchNorm takes mean and spread over all "
                "pictures of the batch while it trains.",
                "c": "In evaluation mode BatchNorm uses running averages that it kept while training: constants by "
                "then.",
                "d": "The other way round: while training it looks at the batch, afterwards at its running averages.",
            },
        ),
        hints=(
            "Go through the stem layer by layer: which of them takes an average, and over which axes?",
            "`nn.BatchNorm2d` has two modes: `model.train()` and `model.eval()`.",
        ),
    )


def parameters_conv_stem() -> Question:
    """Parameters of ConvStem(3, 384, 16)."""
    return Question(
        id="parameters_conv_stem",
        title="Parameters of the stem",
        points=1,
        minutes=4,
        difficulty=2,
        answer=Number(
            1_021_488,
            "parameters",
            wrong={
                1_022_208: "You gave the 3x3 convolutions a bias. They have none: the norm behind them has its own.",
                1_020_048: "The norms are missing: a weight and a bias for each channel.",
                1_020_768: "The norms have two numbers a channel, a weight and a bias.",
                1_022_928: "You counted the running mean and variance of the norms. They are buffers: no gradient "
                "trains them.",
                1_021_104: "The 1x1 convolution has a bias.",
                873_648: "The 1x1 convolution is missing.",
                872_208: "Those are the 3x3 convolutions. There are norms, and the 1x1 convolution.",
                2_201_136: "You took the 1x1 convolution for a 3x3 one.",
                295_296: "Those are the parameters of patchify: 768 * 384 + 384.",
            },
        ),
        hints=(
            "Channels 3, 48, 96, 192, 384: each 3x3 convolution has 9 * below * above weights and no bias.",
            "A norm has 2 numbers a channel; the 1x1 convolution has 384 * 384 weights and 384 biases.",
        ),
    )


def what_adamw_divides() -> Question:
    """What AdamW does that SGD does not."""
    return Question(
        id="what_adamw_divides",
        title="One rate for all layers",
        points=1,
        minutes=3,
        difficulty=2,
        answer=Choice(
            {
                "a": "it chooses the learning rate by itself, so that the one given hardly matters",
                "b": "it divides each parameter's step by the usual size of its gradient, so that layers with small "
                "and large gradients move alike",
                "c": "it has momentum, and SGD has none",
                "d": "it cuts off gradients that are too long",
            },
            right="b",
            wrong={
                "a": "The learning rate still sets the size of every step: the sweep of part 4 shows how much it "
                "matters.",
                "c": "Our SGD has momentum as well (0.9). What else does Adam keep a running average of?",
                "d": "That is gradient clipping, another device. Adam keeps running averages of the gradient and of "
                "its square.",
            },
        ),
        hints=(
            "Adam's step is m / sqrt(v), with running averages of the gradient (m) and of its square (v).",
            "Multiply all gradients of one layer by 10: what happens to its step with SGD, what with Adam?",
        ),
    )


def which_convolution_places() -> Question:
    """Which convolutions let an encoder without positions tell where a token stands."""
    return Question(
        id="which_convolution_places",
        title="Which doors let places in?",
        points=1,
        minutes=3,
        difficulty=2,
        answer=Choice(
            {
                "a": "all four",
                "b": "stem and hybrid backbone",
                "c": "inside the blocks and as positions",
                "d": "none of them: attention is permutation-equivariant",
            },
            right="c",
            wrong={
                "a": "Stem and backbone work before there is a sequence. Their tokens may carry a trace of the border, "
                "but the blocks do the same to a token wherever it stands.",
                "b": "Those are the two that work before there is a sequence: shuffle their tokens, and the blocks "
                "cannot tell.",
                "d": "Attention is. A convolution over the grid of tokens is not: it needs to know who stands beside "
                "whom.",
            },
        ),
        hints=(
            "Shuffle the tokens at the entrance of the first block. Which of the four convolutions comes after that?",
            "A convolution that acts on the sequence of tokens puts them back on their grid: it minds who is where.",
        ),
    )


def where_convolutions() -> Question:
    """The sheet's question."""
    return Question(
        id="where_convolutions",
        title="Where would you put a few convolutions?",
        points=3,
        minutes=6,
        difficulty=2,
        answer=FreeText(
            (
                "1 point: names two places or more and says what happens there to which tensor: in place of patchify "
                "(pictures to tokens, small overlapping kernels, strides), inside the blocks (tokens back on their "
                "grid, such as a depthwise convolution in the MLP), as positions (a convolution of the tokens, added), "
                "a convolutional backbone whose feature map gives the tokens.",
                "1 point: chooses one, with its gain: small kernels and overlap know about neighbours, which attention "
                "must learn from data; training is quicker and loses less with SGD (in the paper it also works for "
                "more learning rates, which our runs did not show); or, for the other places, it knows borders and "
                "neighbourhood, other resolutions need no new table.",
                "1 point: says what it costs and how to compare fairly (FLOPs of the stem, blocks dropped, each at its "
                "own best learning rate), or what is lost (patch sizes that are powers of two, masking a picture: "
                "tokens of a stem overlap, so that MAE cannot leave patches out).",
            )
        ),
        hints=(),
    )


# ------------------------------------------------------------------------------------------------------- experiments


def predict_adamw() -> Experiment:
    """Both stems with AdamW, each at its best rate."""
    return Experiment(
        id="predict_adamw",
        title="A stem for a block, with AdamW",
        question="A ViT with patchify and 3 blocks against one with a conv stem and 2 blocks, which costs less. Both "
        "are trained with AdamW at five learning rates, and the best counts. The conv stem's accuracy is",
        options={
            "a": "lower: a block is worth more than two convolutions",
            "b": "the same within the spread of seeds",
            "c": "higher",
        },
        outcome="c",
        claims=(Claim("conv stem, AdamW", ">", "patchify, AdamW", over_seeds=True),),
        published=(CONV_STEM_EPOCHS,),
    )


def predict_sgd() -> Experiment:
    """The same with SGD."""
    return Experiment(
        id="predict_sgd",
        title="The same with SGD",
        question="Now SGD with momentum, six learning rates again, the best counts. Against AdamW",
        options={
            "a": "both lose about as much",
            "b": "patchify loses more than the conv stem",
            "c": "the conv stem loses more than patchify",
            "d": "neither loses",
        },
        outcome="b",
        claims=(
            Claim("conv stem, SGD", ">", "patchify, SGD", over_seeds=True),
            Claim("patchify, lost against AdamW", ">", "conv stem, lost against AdamW", over_seeds=True),
        ),
        published=(CONV_STEM_SGD,),
        unit="% test accuracy, and points lost",
    )


def predict_range() -> Experiment:
    """How many decades of rates work."""
    return Experiment(
        id="predict_range",
        title="How wide is the range that works?",
        question="A learning rate works where the accuracy comes within 4 points of the same model's best. Measured in "
        "decades, the range that works is",
        options={
            "a": "wider with the conv stem",
            "b": "the same",
            "c": "wider with patchify",
        },
        outcome="b",  # not what the paper found with far larger models: the lesson says so
        claims=(
            Claim("conv stem, AdamW", "=", "patchify, AdamW", over_seeds=True, published=">"),
            Claim("conv stem, SGD", "=", "patchify, SGD", over_seeds=True, published=">"),
        ),
        published=(CONV_STEM_RANGE,),
        unit="decades of learning rates within 4 points of the best",
    )
