"""Written answers and predictions."""

from __future__ import annotations

import math

from helpers.exercises.definition import Claim, Experiment, Question
from helpers.exercises.written import Choice, FreeText, Growth, Number
from helpers.papers import AIM_ORDER, IGPT_ORDER, IGPT_PALETTE, IGPT_PROBE


def chain_rule() -> Question:
    return Question(
        id="chain_rule",
        title="A picture's probability",
        points=1,
        minutes=2,
        difficulty=1,
        answer=Choice(
            {
                "a": "p(x) = p(x1) p(x2) ... p(xN)",
                "b": "p(x) = p(x1) p(x2 | x1) p(x3 | x1, x2) ... p(xN | x1, ..., xN-1)",
                "c": "p(x) = p(x1) p(x2 | x1) p(x3 | x2) ... p(xN | xN-1)",
                "d": "p(x) = p(x1 | x2, ..., xN) p(x2 | x1, x3, ...) ... p(xN | x1, ..., xN-1)",
            },
            right="b",
            wrong={
                "a": "That takes the patches to be independent: the left sleeve would know nothing of the right one.",
                "c": "That is a bigram model: each patch knows the one before it and has forgotten all others. It is "
                "an assumption; asked for is what always holds.",
                "d": "Each patch is told by all the others, as a masked model such as BERT tells a word by those "
                "around it. The product of these factors is no probability: everything is told several times.",
            },
        ),
        hints=(
            "For two patches: p(x1, x2) = p(x1) p(x2 | x1). Go on with a third.",
            "One factor for each patch; each may know all that came before it, and nothing that comes after.",
        ),
    )


def factors_fashion() -> Question:
    return Question(
        id="factors_fashion",
        title="How many factors",
        points=1,
        minutes=2,
        difficulty=1,
        answer=Number(
            49,
            "factors",
            wrong={
                784: "That is one factor for each pixel, as in iGPT. Here each token is a patch of 4 x 4 pixels.",
                16: "That is how many pixels a patch has. How many patches are there?",
                48: "The first patch has a factor too: p(x1).",
                50: "The start token is given, not predicted: it has no factor.",
                196: "That is ViT-B/16 at 224 x 224.",
                7: "There are 7 patches in a row, and 7 rows.",
            },
        ),
        hints=(
            "One factor for each patch.",
            "28 / 4 patches in a row, as many rows.",
        ),
    )


def why_codes() -> Question:
    return Question(
        id="why_codes",
        title="Why codes",
        points=1,
        minutes=3,
        difficulty=2,
        answer=Choice(
            {
                "a": "a transformer cannot read real numbers, only whole ones",
                "b": "over finitely many words a softmax can say anything: this one or that one; a squared error on "
                "pixels only ever learns their mean",
                "c": "16 pixels would make the model 16 times wider",
                "d": "k-means already knows what a garment looks like",
            },
            right="b",
            wrong={
                "a": "ViT reads real-valued patches through a linear map, and so could this model. The difficulty is "
                "at the other end: to *say* how likely each possible next patch is.",
                "c": "The width is ours to choose: patches enter through a linear map, in a ViT too.",
                "d": "It has seen single patches of 4 x 4 pixels, never a garment.",
            },
        ),
        hints=(
            "To draw a next patch one needs a distribution over all patches that could come. What does the last layer "
            "have to put out?",
            "The next patch may be sleeve or background, half and half. Which single patch has the smallest squared "
            "error on average? Would you like to see it?",
        ),
    )


def uniform_bits() -> Question:
    return Question(
        id="uniform_bits",
        title="Bits without a model",
        points=1,
        minutes=2,
        difficulty=1,
        answer=Number(
            392,
            "bits",
            tolerance=0.001,
            wrong={
                8: "That is one code. How many does a picture have?",
                12544: "That is 49 codes times 256. To name one of 256 words, how many yes-or-no questions does it "
                "take?",
                6272: "That is what the 784 pixels take at 8 bits each. How many codes are there, and how many bits "
                "has one?",
                271.7: "These are nats: 49 ln 256. In bits it is the logarithm to base 2.",
                400: "The start token is given: it costs nothing.",
            },
        ),
        hints=(
            "To name one word of 256 takes log2(256) bits.",
            "49 codes of 8 bits each.",
        ),
    )


def without_mask() -> Question:
    return Question(
        id="without_mask",
        title="Training without the mask",
        points=1,
        minutes=3,
        difficulty=2,
        answer=Choice(
            {
                "a": "the loss stays high, since attention is confused by the future",
                "b": "nothing changes, since the loss only asks about the next token",
                "c": "the loss falls to nearly 0, and what is drawn then is rubbish",
                "d": "the loss falls to nearly 0, and what is drawn is better too",
            },
            right="c",
            wrong={
                "a": "The future is no riddle, it is the answer: token i + 1, which place i must predict, stands in "
                "the input one place further on.",
                "b": "The loss asks about the next token, and without a mask the model can look at it.",
                "d": "While drawing there is no future to copy from: the model has learned to copy and nothing else.",
            },
        ),
        hints=(
            "Where, in the input, does the token stand that place i is to predict?",
            "What is the easiest way to predict a token that one can see? And what if it is not there yet?",
        ),
    )


def first_reads() -> Question:
    return Question(
        id="first_reads",
        title="What the first patch is predicted from",
        points=1,
        minutes=2,
        difficulty=1,
        answer=Choice(
            {
                "a": "from the start token alone, here the class",
                "b": "from nothing: the first patch is given",
                "c": "from the first patch itself",
                "d": "from all other patches",
            },
            right="a",
            wrong={
                "b": "A picture has 49 factors, p(x1) among them: the first patch is drawn like every other one.",
                "c": "Then it would only have to be copied. That is what the shift prevents.",
                "d": "They come later, and the mask hides them.",
            },
        ),
        hints=(
            "Write down what `shift_right` puts in place 0.",
            "Place 0 may look at itself only. What stands there?",
        ),
    )


def class_worth() -> Question:
    return Question(
        id="class_worth",
        title="What the class is worth",
        points=1,
        minutes=3,
        difficulty=3,
        answer=Number(
            math.log2(10),
            "bits",
            tolerance=0.02,
            wrong={
                10: "That is how many classes there are. How many bits does it take to name one?",
                math.log(10): "These are nats: ln 10. In bits it is the logarithm to base 2.",
                1: "One bit tells two classes apart.",
                4: "Nearly: with 4 bits one could name 16 classes.",
                392: "That is a whole picture without any model. The class alone can be told in far fewer.",
                49 * math.log2(10): "It is told once, not at each of the 49 places.",
            },
        ),
        hints=(
            "Instead of telling the model the class for nothing, one could write it down first. What would that cost?",
            "All ten are equally common: log2(10).",
        ),
    )


def predict_bits() -> Experiment:
    return Experiment(
        id="predict_bits",
        title="Bits per picture",
        question="Codes at random cost 392 bits a picture. Counting which words are common brings it down to about "
        "275, counting which follows which, to about 200. A transformer with two blocks, trained for seconds, ends",
        options={
            "a": "above the bigram: three passes over 4,000 pictures are too few for so many weights",
            "b": "level with the bigram: the patch before says nearly all that can be said",
            "c": "clearly below the bigram",
        },
        outcome="c",
        claims=(
            Claim("words by themselves (unigram)", ">", "words by the one before (bigram)"),
            Claim("words by their place", ">", "words by the one before (bigram)"),
            Claim("words by the one before (bigram)", ">", "ImageGPT, row by row"),
        ),
        published=(IGPT_PALETTE, IGPT_PROBE),
        unit="bits per test picture (fewer is better)",
    )


def cold_and_hot() -> Question:
    return Question(
        id="cold_and_hot",
        title="The ends of the scale",
        points=1,
        minutes=2,
        difficulty=1,
        answer=Choice(
            {
                "a": "at 0 the pictures are pure noise, at infinity they are all the same",
                "b": "at 0 all pictures of a class are the same, at infinity every word is equally likely",
                "c": "at 0 nothing can be drawn, at infinity the model is used as it was trained",
                "d": "the temperature changes how fast is drawn, not what",
            },
            right="b",
            wrong={
                "a": "The other way round: logits are *divided* by it.",
                "c": "0 is the limit in which the most likely word has all the probability; the model as it was "
                "trained is at temperature 1.",
                "d": "It changes the probabilities, and so what is drawn; the time is the same.",
            },
        ),
        hints=(
            "Divide (2, 1) by 0.01 and by 100, and take the softmax of both.",
            "Large differences: the largest takes all. No differences: all alike.",
        ),
    )


def order_now() -> Question:
    return Question(
        id="order_now",
        title="What the order does now",
        points=1,
        minutes=3,
        difficulty=3,
        answer=Choice(
            {
                "a": "nothing, as in lesson 02: the positions go along, so rows of a table are renamed",
                "b": "the product of the true factors is the same in every order, but which factors there are to be "
                "learned changes",
                "c": "only raster order gives a probability; in any other order the factors do not multiply to p(x)",
                "d": "it matters for speed only",
            },
            right="b",
            wrong={
                "a": "Full attention does not mind. The causal mask is tied to places in the *sequence* (P M P^T is "
                "not M): another order means that each patch knows other patches when it is predicted.",
                "c": "The chain rule holds in every order: each gives the same p(x), were every factor learned "
                "perfectly.",
                "d": "The number of tokens is the same, and so is the time.",
            },
        ),
        hints=(
            "Go back to the end of lesson 02: which mask commutes with every permutation?",
            "Two patches: p(x1) p(x2 | x1) = p(x2) p(x1 | x2). Is one of the two ways easier to learn?",
        ),
    )


def predict_order() -> Experiment:
    return Experiment(
        id="predict_order",
        title="The same codes in other orders",
        question="The same model on the same codes, read column by column, along a spiral, or in one random order for "
        "all pictures. Against row by row, in a random order it needs",
        options={
            "a": "the same number of bits within the spread: positions are learned, as in lesson 02",
            "b": "more bits",
            "c": "fewer bits: patches that are far apart say more",
        },
        outcome="b",
        claims=(
            Claim("ImageGPT, random order", ">", "ImageGPT, row by row"),
            Claim("ImageGPT, spiral inwards", ">", "ImageGPT, row by row"),
            # small, and the same way with every seed
            Claim("ImageGPT, column by column", ">", "ImageGPT, row by row", over_seeds=True),
        ),
        published=(AIM_ORDER, IGPT_ORDER),
        unit="bits per test picture (fewer is better)",
    )


def cost_again() -> Question:
    return Question(
        id="cost_again",
        title="Drawing without a cache",
        points=1,
        minutes=4,
        difficulty=2,
        answer=Growth(
            "N**3 * D",
            {"N": "tokens of a picture", "D": "width"},
            wrong={
                "N**2 * D": "That is attention over N tokens *once*. For each new token the whole sequence so far is "
                "read again.",
                "N * D": "That is one query looking at N keys. How many queries are there in a pass, and how many "
                "passes?",
                "N**2 * D**2": "Only the attention is asked for (scores and averages), not the linear layers.",
                "N**4 * D": "One N too many: N passes, each of them n^2 D for the n tokens that there are.",
                "N**3 * D**2": "The N is right. Scores and averages cost D for each pair of tokens, not D^2.",
                "N**3": "And the width? Each score is a dot product of D numbers (all heads together).",
            },
        ),
        hints=(
            "One pass over n tokens costs n^2 D (lesson 03).",
            "Add it up for n = 1, 2, ..., N.",
        ),
    )


def cost_cached() -> Question:
    return Question(
        id="cost_cached",
        title="Drawing with a cache",
        points=1,
        minutes=3,
        difficulty=2,
        answer=Growth(
            "N**2 * D",
            {"N": "tokens of a picture", "D": "width"},
            wrong={
                "N**3 * D": "That is without the cache: old tokens would be queries again. Now only the new one is.",
                "N * D": "That is the last token alone: one query, N keys. All N tokens take their turn.",
                "N**2 * D**2": "Only the attention is asked for (scores and averages), not the linear layers.",
                "N * D**2": "That is the linear layers. The attention of the n-th token looks at n keys.",
                "N**2": "And the width? Each score is a dot product of D numbers (all heads together).",
            },
        ),
        hints=(
            "One new query and n keys: n D.",
            "Add it up for n = 1, 2, ..., N.",
        ),
    )


def predict_cache() -> Experiment:
    return Experiment(
        id="predict_cache",
        title="Drawing with and without a cache",
        question="32 pictures of 49 codes are drawn at once by the shipped model. With a cache of keys and values that "
        "is",
        options={
            "a": "slower: putting the cache together costs more than it saves",
            "b": "about as fast: 49 tokens are too few for it to matter",
            "c": "clearly faster",
        },
        outcome="c",
        claims=(Claim("with a cache", ">", "without a cache"),),
        published=(),
        unit="times the speed without a cache",
    )


def how_to_draw() -> Question:
    return Question(
        id="how_to_draw",
        title="GPT for pictures, in your own words",
        points=4,
        minutes=6,
        difficulty=2,
        answer=FreeText(
            (
                "1 point: a picture becomes a sequence of patches in a fixed order, and its probability a product of "
                "p(patch | patches before it)",
                "1 point: patches need a finite vocabulary (a codebook by k-means or a VQ-VAE) for a softmax, or else "
                "another loss (AIM: squared error on pixels)",
                "1 point: two changes to a ViT: a causal mask (before the softmax), and a start token with inputs "
                "shifted by one, the head predicting the next token at every place",
                "1 point: pictures are drawn token by token (temperature, top-k), a given upper part can be completed, "
                "and the order now matters",
            )
        ),
        hints=(
            "Follow one picture: how does it become a sequence, what is read and what predicted at place i, and how is "
            "a new one drawn?",
        ),
    )
