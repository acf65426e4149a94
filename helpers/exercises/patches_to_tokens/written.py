"""Questions (numbers, shapes, choices, one free text) and the experiment of lesson 01."""

from __future__ import annotations

from helpers.exercises.definition import Claim, Experiment, Question
from helpers.exercises.written import Choice, FreeText, Number, Shape
from helpers.papers import VIT_DATA

# ViT-B/16 at 224: width 768, 12 blocks, 12 heads, MLP 3072, 1000 classes
D, N, BLOCKS, CLASSES = 768, 196, 12, 1000
PROJECTION = 16 * 16 * 3 * D + D  # weight and bias
TOKENS = PROJECTION + D + (1 + N) * D  # projection, class token, positions
NORM = 2 * D
BLOCK = 2 * NORM + (3 * D * D + 3 * D) + (D * D + D) + (4 * D * D + 4 * D) + (4 * D * D + D)
HEAD = D * CLASSES + CLASSES
ALL = TOKENS + BLOCKS * BLOCK + NORM + HEAD


def tokens_b16() -> Question:
    """Number of patches."""
    wrong = {
        256: "256 would be a grid of 16 x 16 patches. Here a patch is 16 x 16 pixels: how many fit in a row of 224?",
        14: "That is the number of patches in one row; the picture also has rows.",
        197: "That is one too many: count the patches only, not the class token.",
        50176: "That is the number of pixels. A patch holds 256 of them.",
        588: "All three channels of a place belong to one patch: do not count them apart.",
    }
    return Question(
        "tokens_b16",
        "Patches of a 224 x 224 picture",
        points=1,
        minutes=1,
        difficulty=1,
        answer=Number(N, "tokens", wrong=wrong),
        hints=(
            "How many patches of 16 pixels stand side by side in 224 pixels?",
            "The grid has as many rows as columns.",
        ),
    )


def patch_pixels_256() -> Question:
    """Which patch gives 256 tokens at 224."""
    wrong = {
        16: "Patches of 16 pixels give 14 x 14 = 196 at 224. For 256 the grid is 16 x 16: how large is a patch then?",
        196: "That is the number of pixels in such a patch; its side was asked for.",
    }
    return Question(
        "patch_pixels_256",
        "Side of a patch for 256 tokens at 224",
        points=1,
        minutes=1,
        difficulty=1,
        answer=Number(14, "pixels", wrong=wrong),
        hints=("256 patches in a square grid: how many in a row?", "Divide the 224 pixels of a row among them."),
    )


def picture_pixels_256() -> Question:
    """Which picture gives 256 tokens with 16-pixel patches."""
    wrong = {
        224: "At 224 there are 14 patches of 16 pixels in a row, 196 in all. The grid has to be 16 x 16.",
        65536: "That is the number of pixels in the picture; its side was asked for.",
    }
    return Question(
        "picture_pixels_256",
        "Side of a picture for 256 patches of 16 pixels",
        points=1,
        minutes=1,
        difficulty=1,
        answer=Number(256, "pixels", wrong=wrong),
        hints=("How many patches stand in a row of the grid?", "Each of them is 16 pixels wide."),
    )


def round_trip() -> Question:
    """Why a round trip proves nothing; read by a person."""
    rubric = (
        "1 point: says that unpatchify can undo a wrong patchify exactly (any reordering that loses nothing has an "
        "inverse).",
        "1 point: gives an example (grid transposed, another order within a patch, subsampled pictures, a bare "
        "reshape), or says what would prove it: compare a patch with the pixels that were cut out by slicing.",
    )
    return Question(
        "round_trip",
        "What a round trip proves",
        points=2,
        minutes=4,
        difficulty=2,
        answer=FreeText(rubric),
        hints=("Try it with a bare reshape in both directions.",),
    )


def why_scale() -> Question:
    """Why the scores are divided by the root of d."""
    options = {
        "a": "so that the weights of a query sum to 1",
        "b": "so that the scores keep a spread of about 1 whatever d is",
        "c": "so that the result has the length of a value",
        "d": "so that fewer operations are needed",
    }
    wrong = {
        "a": "The softmax alone sees to that, whatever the scores are.",
        "c": "An average of values never becomes longer than the longest of them, with or without a scale.",
        "d": "It is one operation more for each score.",
    }
    return Question(
        "why_scale",
        "Why divide by the root of d?",
        points=1,
        minutes=2,
        difficulty=1,
        answer=Choice(options, "b", wrong),
        hints=(
            "A score is a sum of d products.",
            "Variances of independent terms add up: what is the spread of a sum of d of them?",
        ),
    )


def fewer_heads() -> Question:
    """Parameters with 6 heads in place of 12."""
    options = {"a": "half as many", "b": "as many", "c": "twice as many"}
    wrong = {
        "a": "With half the heads each head is twice as wide: look at the shapes of qkv and proj.",
        "c": "Each head is twice as wide, and there are half as many of them: look at the shapes of qkv and proj.",
    }
    return Question(
        "fewer_heads",
        "Six heads in place of twelve",
        points=1,
        minutes=1,
        difficulty=1,
        answer=Choice(options, "b", wrong),
        hints=("Write down the shapes of the two weights: does the number of heads occur in them?",),
    )


def class_token_start() -> Question:
    """What the class token knows before the first block."""
    options = {
        "a": "nothing: before the first block it is the same vector for every picture",
        "b": "the mean of the patch tokens",
        "c": "the class of the picture, which training puts there",
    }
    wrong = {
        "b": "Nothing computes a mean: it is a parameter, joined to the sequence as it is. What does it depend on?",
        "c": "It is a parameter: after training as before, it is the same for every picture.",
    }
    return Question(
        "class_token_start",
        "What the class token knows at first",
        points=1,
        minutes=1,
        difficulty=1,
        answer=Choice(options, "a", wrong),
        hints=("Is it computed from the picture, or is it a parameter?",),
    )


def sequence_b16() -> Question:
    """Length of the sequence."""
    wrong = {
        196: "Those are the patches. Something joins them before the first block.",
        198: "Only one token joins the patches. Positions are added, not joined.",
        257: "That belongs to 256 patches; at 224 there are fewer patches of 16 pixels.",
        393: "Positions are added to the tokens, not joined to the sequence.",
    }
    return Question(
        "sequence_b16",
        "Length of the sequence in ViT-B/16",
        points=1,
        minutes=1,
        difficulty=1,
        answer=Number(N + 1, "tokens", wrong=wrong),
        hints=("How many patches, and what joins them?",),
    )


def shape_patches() -> Question:
    """Shape after patchify."""
    wrong = {
        (8, 3, 196, 256): "All channels of a patch stand in one vector: the last axis is C*P*P.",
        (8, 768, 196): "A sequence is (batch, tokens, width): the tokens come before their content.",
        (8, 197, 768): "The class token has not joined yet.",
        (8, 196, 256): "A patch has three channels of 16 x 16 pixels.",
        (8, 14, 14, 768): "patchify has flattened the grid into one sequence.",
    }
    return Question(
        "shape_patches",
        "Shape after patchify",
        points=1,
        minutes=1,
        difficulty=1,
        answer=Shape((8, N, 16 * 16 * 3), wrong),
        hints=("(B, N, C*P*P) with B = 8.",),
    )


def shape_attention() -> Question:
    """Shape of the attention weights."""
    wrong = {
        (8, 197, 197): "Each head has weights of its own.",
        (8, 12, 196, 196): "The class token attends too, and is attended to.",
        (8, 12, 197, 64): "That is the shape of the queries (and keys, and values) of all heads.",
        (8, 12, 64, 64): "Tokens look at tokens: the weights have one row for each query and one column for each key.",
        (
            8,
            197,
            768,
        ): "That is what attention returns. The weights have a row for each query and a column for each key.",
        (12, 197, 197): "Each picture of the batch has weights of its own.",
    }
    return Question(
        "shape_attention",
        "Shape of the attention weights in a block",
        points=1,
        minutes=1,
        difficulty=2,
        answer=Shape((8, 12, N + 1, N + 1), wrong),
        hints=("One number for each picture, head, query and key.", "How long is the sequence inside the blocks?"),
    )


def shape_hidden() -> Question:
    """Shape inside the MLP."""
    wrong = {
        (8, 197, 768): "That is what goes in and what comes out. Inside, the MLP is mlp_ratio times as wide.",
        (8, 196, 3072): "The class token passes through the MLP as well.",
        (8, 3072): "The MLP works on each token by itself: the token axis stays.",
        (8, 12, 197, 256): "Heads exist in attention only; the MLP sees whole tokens.",
    }
    return Question(
        "shape_hidden",
        "Shape of the hidden layer in a block's MLP",
        points=1,
        minutes=1,
        difficulty=1,
        answer=Shape((8, N + 1, 4 * D), wrong),
        hints=("The MLP changes the last axis only.", "mlp_ratio is 4."),
    )


def shape_read() -> Question:
    """Shape of what the head reads."""
    wrong = {
        (8, 197, 768): "The head reads one token of each picture, not all of them.",
        (8, 1, 768): "Taking the token by its index drops the axis.",
        (8, 1000): "That is what the head gives.",
        (8, 196, 768): "The head reads one token of each picture: the class token.",
        (768,): "There are eight pictures.",
    }
    return Question(
        "shape_read",
        "Shape of what the head reads",
        points=1,
        minutes=1,
        difficulty=1,
        answer=Shape((8, D), wrong),
        hints=("Which token does the head read, and how wide is it?",),
    )


def parameters_tokens() -> Question:
    """Parameters up to the first block."""
    wrong = {
        TOKENS
        - D
        - (1 + N) * D: "That is the projection of the patches. The class token and the positions are learned too.",
        TOKENS - (1 + N) * D: "The positions are missing: a learned vector for each token of the sequence.",
        TOKENS - 2 * D: "Two vectors of 768 are missing: of the bias, the class token and its position, which two?",
        TOKENS
        - D: "One vector of 768 is missing: the projection's bias, the class token, or the class token's position?",
        TOKENS - 3 * D: "Three vectors of 768 are missing: the bias, the class token, and the class token's position.",
    }
    return Question(
        "parameters_tokens",
        "Parameters before the first block",
        points=1,
        minutes=3,
        difficulty=2,
        answer=Number(TOKENS, "parameters", wrong=wrong),
        hints=(
            "Three things are learned here: the projection, the class token, the positions.",
            "The projection has 768 x 768 weights (a patch holds 16 * 16 * 3 = 768 numbers, a token too) and 768 "
            "biases.",
            "The class token is one vector of 768, and there are 197 vectors of positions.",
        ),
    )


def parameters_block() -> Question:
    """Parameters of one block."""
    biases = 3 * D + D + 4 * D + D
    wrong = {
        12 * D * D: "Those are the weight matrices alone: 12 D^2. Biases and the two norms are missing.",
        BLOCK - 2 * NORM: "The two norms are missing: each has a scale and a shift for every feature.",
        BLOCK
        - NORM: "1,536 are missing: one of the two norms, or the shifts of both? Each norm has a scale and a shift.",
        BLOCK - biases: "The biases are missing: each of the four linear layers has one.",
        BLOCK - (D * D + D): "The output projection of attention is missing.",
        BLOCK * BLOCKS: "Those are all twelve blocks: one was asked for.",
    }
    return Question(
        "parameters_block",
        "Parameters of one block",
        points=1,
        minutes=3,
        difficulty=2,
        answer=Number(BLOCK, "parameters", wrong=wrong),
        hints=(
            "Two norms and four linear layers: qkv, proj, fc1, fc2.",
            "A linear layer from a to b has a*b weights and b biases; a LayerNorm has 2*768 parameters.",
            "qkv goes from 768 to 2304, proj from 768 to 768, fc1 from 768 to 3072, fc2 back.",
        ),
    )


def parameters_b16() -> Question:
    """Parameters of the whole model."""
    wrong = {
        ALL - HEAD: "That is the model without its head: 768 features to 1000 classes.",
        ALL - NORM: "The final norm is missing.",
        ALL - CLASSES: "The head has a bias too.",
        ALL - HEAD - NORM: "Tokens and blocks are there; the final norm and the head are missing.",
        ALL - (BLOCKS - 1) * BLOCK: "There are twelve blocks.",
        ALL - TOKENS: "What is learned before the first block is missing.",
        ALL - (1 + N) * D: "The positions are missing: a learned vector for each token of the sequence.",
        86e6: "That is rounded: count to the last parameter.",
        86.6e6: "That is rounded: count to the last parameter.",
        87e6: "That is rounded: count to the last parameter.",
    }
    return Question(
        "parameters_b16",
        "Parameters of ViT-B/16",
        points=1,
        minutes=3,
        difficulty=2,
        answer=Number(ALL, "parameters", wrong=wrong),
        hints=(
            "Four parts: before the blocks, twelve blocks, the final norm, the head.",
            "The head is a linear layer from 768 to 1000.",
            "parameters_tokens + 12 * parameters_block + 2 * 768 + (768 * 1000 + 1000): a cell can do the sum.",
        ),
    )


def predict_learning() -> Experiment:
    """The built ViT and a linear classifier, on few and on many pictures."""
    return Experiment(
        "predict_learning",
        "A ViT and a linear classifier on Fashion-MNIST",
        question="Which is better on pictures it has not seen: your ViT or one linear layer on the pixels?",
        options={
            "a": "the ViT, after 1,000 training pictures as after 12,000",
            "b": "the linear layer after 1,000 training pictures, the ViT after 12,000",
            "c": "the linear layer, after 1,000 training pictures as after 12,000",
        },
        outcome="b",
        claims=(
            Claim("ViT, 12,000 pictures", ">", "untrained ViT"),
            Claim("linear layer, 1,000 pictures", ">", "ViT, 1,000 pictures"),
            Claim("ViT, 12,000 pictures", ">", "linear layer, 12,000 pictures"),
        ),
        published=(VIT_DATA,),
    )
