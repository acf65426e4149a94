"""Questions of lesson 03: growth, doublings, crossings, memory."""

from __future__ import annotations

from helpers.exercises.definition import Question
from helpers.exercises.written import Choice, FreeText, Growth, Number
from helpers.models.costs import vit_flops

TOKENS_AND_WIDTH = {"N": "number of tokens", "D": "width of a token"}
PIXELS = {"H": "height in pixels", "W": "width in pixels", "P": "side of a patch in pixels", "D": "width of a token"}
WINDOWS = {**TOKENS_AND_WIDTH, "M": "side of a window in patches"}


def flops_of_product() -> Question:
    """A product of two small matrices."""
    wrong = {
        105: "That counts each multiply-add once. Here it counts 2.",
        21: "That is how many numbers the result has. How much work is each of them?",
        42: "Each of the 21 results is a sum of *five* products.",
        189: "You leave out the first addition of each sum. By custom it counts too (start from 0, add five times).",
        35: "That is the size of the second matrix. Count the work for each number of the result.",
        15: "That is the size of the first matrix. Count the work for each number of the result.",
    }
    return Question(
        "flops_of_product",
        "FLOPs of a small product",
        points=1,
        minutes=2,
        difficulty=1,
        answer=Number(210, "FLOPs", wrong=wrong),
        hints=(
            "How many numbers does the result have?",
            "Each of them is a sum of five products: five multiplications and five additions.",
        ),
    )


def growth_in_tokens() -> Question:
    """O(N^2 D)."""
    wrong = {
        "N*D": "That would be one dot product for each token. Each token meets all N tokens.",
        "N**2": "Each of the N^2 scores is a dot product. How long are the vectors?",
        "N*D**2": "That is what a linear layer costs. In QK^T the shapes are (N, D) and (D, N).",
        "N**2*D**2": "One D too many: each of the N^2 scores is one dot product of D numbers.",
        "N**2*D + N*D**2": "N D^2 is the making of q, k and v. Only QK^T and AV were asked for.",
        "N**3": "Multiply the three sizes of (N, D) times (D, N).",
        "N**3*D": "Multiply the three sizes of (N, D) times (D, N): N stands there twice.",
    }
    return Question(
        "growth_in_tokens",
        "Growth of attention with N and D",
        points=1,
        minutes=2,
        difficulty=1,
        answer=Growth("N**2*D", TOKENS_AND_WIDTH, wrong),
        hints=(
            "How many scores are there, and how long is the dot product behind each?",
            "The second product, weights times values, grows in the same way.",
        ),
    )


def growth_in_pixels() -> Question:
    """O(H^2 W^2 D / P^4)."""
    wrong = {
        "H**2*W**2*D/P**2": "The whole of HW / P^2 gets squared, the P^2 below the line too.",
        "H*W*D/P**2": "That is N times D. Attention grows with N^2.",
        "H**2*W**2*D": "That is as if every pixel were a token (P = 1). Where has P gone?",
        "H**2*W**2/P**4": "The width D is missing.",
        "H*W*D/P**4": "HW gets squared as well: N = HW / P^2 as a whole.",
        "H**4*D/P**4": "Pictures need not be square: write H and W.",
        "H*W**2*D/P**4": "Brackets: in HW^2 only W is squared. Write (H*W)**2.",
        "H*W*D**2/P**2": "That is what the projections cost. Only QK^T and AV were asked for.",
    }
    return Question(
        "growth_in_pixels",
        "Growth of attention with the picture",
        points=2,
        minutes=2,
        difficulty=1,
        answer=Growth("H**2*W**2*D/P**4", PIXELS, wrong),
        hints=(
            "In N^2 D everything that N stands for gets squared. What does N stand for?",
            "(HW / P^2)^2 = H^2 W^2 / P^4.",
        ),
    )


def double_resolution() -> Question:
    """Both sides of the picture double."""
    wrong = {
        2: "Both sides double, so there are 4 times the tokens.",
        4: "That is how many times the tokens there are. Attention grows with their square.",
        8: "H^2 W^2: both H and W double.",
    }
    return Question(
        "double_resolution",
        "Twice the resolution",
        points=1,
        minutes=1,
        difficulty=1,
        answer=Number(16, "times", wrong=wrong),
        hints=("What happens to N? And to N^2?",),
    )


def halve_patch() -> Question:
    """Half the patch size."""
    wrong = {
        2: "Half the side of a patch: how many patches take the place of one?",
        4: "That is how many times the tokens there are. Attention grows with their square.",
        8: "P stands below the line to the fourth power: 2 * 2 * 2 * 2.",
        0.0625: "Smaller patches mean more tokens, so it gets dearer.",
        0.25: "Smaller patches mean more tokens, so it gets dearer.",
    }
    return Question(
        "halve_patch",
        "Half the patch",
        points=1,
        minutes=1,
        difficulty=1,
        answer=Number(16, "times", wrong=wrong),
        hints=("How many small patches take the place of a large one?",),
    )


def growth_of_projections() -> Question:
    """O(N D^2)."""
    wrong = {
        "N**2*D": "That is attention. In a linear layer tokens do not meet: each is multiplied by a matrix of D by D.",
        "D**2": "That is for one token, and there are N.",
        "N*D": "Each of a token's D results is a sum over its D numbers.",
        "N**2*D**2": "Tokens do not meet in a linear layer, so N enters once.",
    }
    return Question(
        "growth_of_projections",
        "Growth of a linear layer",
        points=1,
        minutes=1,
        difficulty=1,
        answer=Growth("N*D**2", TOKENS_AND_WIDTH, wrong),
        hints=("(N, D) times (D, D): multiply the three sizes.",),
    )


def crossing_tokens() -> Question:
    """N = 6 D."""
    wrong = {
        768: "N = D is where N^2 D and N D^2 are equal as they stand. The constants count too: 4 N^2 D, 24 N D^2.",
        1536: "That sets 4 N^2 D against the 8 N D^2 of the projections. The MLP's 16 N D^2 belong to the block too.",
        3072: "That sets 4 N^2 D against the MLP alone. The projections' 8 N D^2 belong to the block as well.",
        9216: "That is 12 D: there are two products, QK^T and AV, together 4 N^2 D.",
        2304: "That is 3 D: projections and MLP take 24 N D^2, attention 4 N^2 D.",
        6: "That is N / D. With D = 768, how many tokens is it?",
        4609: "One token more than where they are equal: count where attention is exactly half.",
        196: "That is how many there are at 224 pixels. Asked for is where the two terms are equal.",
    }
    return Question(
        "crossing_tokens",
        "Where attention overtakes the rest",
        points=2,
        minutes=3,
        difficulty=2,
        answer=Number(6 * 768, "tokens", wrong=wrong),
        hints=(
            "From block_flops: which term has N^2, which has N? Take mlp_ratio = 4.",
            "Set 4 N^2 D = 24 N D^2 and solve for N.",
        ),
    )


def crossing_side() -> Question:
    """The smallest square picture beyond the crossing."""
    wrong = {
        **dict.fromkeys((1085, 1086, 1086.12), "A picture has whole patches: its side is a multiple of 16."),
        1072: "67 x 67 = 4489 tokens is still below the crossing.",
        68: "That is how many patches stand in a row. How many pixels are these?",
        73_728: "That many pixels would hold all the patches in a single row. They form a square.",
        4608: "That is the number of tokens. Asked for is the side of the picture in pixels.",
        4624: "That is the number of tokens, 68 x 68. Asked for is the side of the picture in pixels.",
    }
    return Question(
        "crossing_side",
        "The picture at the crossing",
        points=1,
        minutes=2,
        difficulty=2,
        answer=Number(1088, "pixels", wrong=wrong),
        hints=("How many patches stand in a row of a square grid of 4608?", "The next whole number, times 16 pixels."),
    )


def published_gflops() -> Question:
    """A multiply-add counted once."""
    options = {
        "a": "they count a multiply-add once, we count it as 2",
        "b": "they leave the MLPs out",
        "c": "they count half-precision numbers",
        "d": "they count a picture and its mirror image together",
    }
    wrong = {
        "b": "Without the MLPs far less than half would be left: the MLPs take about two thirds of a block.",
        "c": "The number of operations does not depend on how many bits a number has.",
        "d": "One picture each time. Look at what is called one operation.",
    }
    return Question(
        "published_gflops",
        "Twice the published figure",
        points=1,
        minutes=1,
        difficulty=1,
        answer=Choice(options, "a", wrong),
        hints=("Look at part 1: what did it say that many papers count differently?",),
    )


def share_b16() -> Question:
    """Share of attention in ViT-B/16 at 384."""
    attention = 12 * 4 * 577**2 * 768
    share = 100 * attention / vit_flops(384, 16, 768, 12)
    wrong = {
        share / 100: "That is the share as a fraction. Write it in percent.",
        100 - share: "That is the share of everything else.",
        share / 12: "That is the attention of one block: there are twelve.",
        share / 2: "Only one of the two products, or a multiply-add counted once in one place and twice in the other.",
        100 / share: "You divided the other way round.",
        100 * attention / (vit_flops(384, 16, 768, 12) - attention): "That is attention over all the *rest*. Its share "
        "is of everything, attention included.",
        100 * 12 * 4 * 197**2 * 768 / vit_flops(224, 16, 768, 12): "That is the share at 224 pixels.",
    }
    return Question(
        "share_b16",
        "Share of attention in ViT-B/16",
        points=1,
        minutes=2,
        difficulty=2,
        answer=Number(round(share, 3), "%", tolerance=0.03, wrong=wrong),
        hints=(
            "How many tokens are there at 384 pixels, class token included? And how many FLOPs do they cost in QK^T "
            "and AV of 12 blocks?",
            "4 N^2 D in each of 12 blocks, with 577 tokens, over vit_flops(384, 16, 768, 12); times 100.",
        ),
    )


def memory_of_weights() -> Question:
    """Bytes of the attention weights."""
    size = 12 * 4096**2 * 4
    wrong = {
        size / 12: "That is one head: there are twelve, each with weights of its own.",
        size / 4: "That is how many numbers there are. Each takes 4 bytes.",
        size / 48: "That is how many numbers one head has. There are twelve heads, and a number takes 4 bytes.",
        size / 1e6: 'That would be so many bytes. Write the unit with it, such as "12 MB".',
        size / 2: "float32 takes 4 bytes a number.",
        768e6: "Nearly: that is 768 MiB (of 2^20 bytes). Here 1 MB is a million bytes; or write MiB.",
        size * 12: "That is all twelve blocks. Asked for is one: the next block can use the same memory again.",
        12
        * 4096
        * 64
        * 4: "That is as large as the queries. The weights have a row for each query and a column for each key.",
    }
    return Question(
        "memory_of_weights",
        "Memory of the attention weights",
        points=1,
        minutes=2,
        difficulty=2,
        answer=Number(size, "B", tolerance=0.01, wrong=wrong),
        hints=(
            "What shape have the weights of one picture? One number for each head, query and key.",
            "12 * 4096 * 4096 numbers of 4 bytes; 1 MB is a million bytes.",
        ),
    )


def fused_saves() -> Question:
    """What fused attention saves."""
    options = {
        "a": "operations: it leaves out keys that hardly count",
        "b": "memory: it never holds all N^2 weights at once",
        "c": "both operations and memory grow with N only",
        "d": "neither: it is the same thing in one call",
    }
    wrong = {
        "a": "It leaves nothing out: its result is that of plain attention, up to rounding.",
        "c": "Every query still meets every key. What does it not have to keep?",
        "d": "The result is the same. But look at what must be held in memory on the way.",
    }
    return Question(
        "fused_saves",
        "What fused attention saves",
        points=1,
        minutes=2,
        difficulty=2,
        answer=Choice(options, "b", wrong),
        hints=("Is every query still compared with every key? Does every score have to be kept until the end?",),
    )


def growth_windowed() -> Question:
    """O(N M^2 D)."""
    wrong = {
        "N**2*D": "That is attention without windows. How many tokens does a token meet now?",
        "N*M*D": "A window is M patches on a side: it holds M^2 of them.",
        "M**4*D": "That is a single window. There are N / M^2 of them.",
        "N*M**4*D": "There are N / M^2 windows, not N.",
        "N**2*D/M**2": "That would be N / M^2 partners for each token. It has M^2.",
        "N*D": "The size of the window matters too: a token meets all patches of its window.",
        "N*M**2": "The width D is missing.",
        "M**2*D": "That is what a single token costs. There are N.",
        "N**2*D/M**4": "That lets windows attend to windows. It is the patches within a window that do.",
    }
    return Question(
        "growth_windowed",
        "Growth of attention within windows",
        points=1,
        minutes=2,
        difficulty=1,
        answer=Growth("N*M**2*D", WINDOWS, wrong),
        hints=("How many tokens does one token meet?", "N tokens, each with M^2 dot products of D numbers."),
    )


def double_resolution_windowed() -> Question:
    """Twice the resolution with windows."""
    wrong = {
        16: "That is without windows. With windows of a fixed size each token meets as many tokens as before.",
        2: "Both sides double: how many times the tokens are there?",
        1: "Each token costs what it did, but there are more tokens.",
        8: "The window stays as it is; only the number of tokens grows.",
    }
    return Question(
        "double_resolution_windowed",
        "Twice the resolution, with windows",
        points=1,
        minutes=1,
        difficulty=1,
        answer=Number(4, "times", wrong=wrong),
        hints=("N M^2 D: which of these changes, and by how much?",),
    )


def price_of_windows() -> Question:
    """What windows give up."""
    options = {
        "a": "after one block, a token knows nothing of any patch outside its window",
        "b": "the model needs more parameters, one set for each window",
        "c": "the result of attention is only approximately the softmax",
        "d": "nothing: the windows together hold all patches",
    }
    wrong = {
        "b": "The same projections serve every window.",
        "c": "Within a window it is exact attention.",
        "d": "All patches are there, but does every patch meet every other?",
    }
    return Question(
        "price_of_windows",
        "The price of windows",
        points=1,
        minutes=1,
        difficulty=1,
        answer=Choice(options, "a", wrong),
        hints=("Change a pixel in one corner: whose token can notice, after one block?",),
    )


def large_pictures() -> Question:
    """A plan for pictures of 4,096 pixels; read by a person."""
    rubric = (
        "1 point: counts the tokens (256 x 256 = 65,536) and sees that they are far beyond 6 D = 4,608, so that "
        "attention is most of the cost (about 93% of a block's FLOPs).",
        "1 point: names the memory of plain attention: 12 heads x 65,536^2 x 4 bytes, about 206 GB for one picture, "
        "so plain attention cannot even start; fused attention removes this and none of the FLOPs.",
        "1 point: proposes a way that cuts FLOPs (windows, larger patches, lower resolution, fewer tokens in deeper "
        "blocks, cutting the picture up) and says what is lost by it.",
    )
    return Question(
        "large_pictures",
        "Advice for very large pictures",
        points=3,
        minutes=5,
        difficulty=2,
        answer=FreeText(rubric),
        hints=("How many tokens are there? Compare with 6 D, then work out the memory of the weights.",),
    )
