"""Written answers and predictions."""

from __future__ import annotations

from helpers.exercises.definition import Claim, Experiment, Question
from helpers.exercises.written import Choice, FreeText, Number
from helpers.papers import MAE_DECODER_DEPTH, MAE_GAIN, MAE_MASK_RATIO, MAE_MASK_TOKENS, MAE_WALL_CLOCK


def what_to_hide() -> Question:
    return Question(
        id="what_to_hide",
        title="What to hide",
        points=1,
        minutes=2,
        difficulty=1,
        answer=Choice(
            {"a": "the label", "b": "single pixels, at random", "c": "patches, at random", "d": "the class token"},
            right="c",
            wrong={
                "a": "There is no label to hide: the pictures come without.",
                "b": "A single missing pixel is the mean of its neighbours, near enough; nothing has to be "
                "understood. And the model does not read pixels.",
                "d": "The class token holds nothing of the picture before the first block: hiding it asks no question.",
            },
        ),
        hints=(
            "BERT hides words. What does a Vision Transformer read in place of words?",
            "It has to be something the model takes as a token, and that says something about the picture.",
        ),
    )


def what_to_predict() -> Question:
    return Question(
        id="what_to_predict",
        title="What to predict",
        points=1,
        minutes=2,
        difficulty=1,
        answer=Choice(
            {
                "a": "which patches were hidden",
                "b": "the pixels of the hidden patches",
                "c": "the class of the picture",
                "d": "the pixels of the patches that it was shown",
            },
            right="b",
            wrong={
                "a": "The mask was drawn at random: nothing about the picture helps to guess it.",
                "c": "Nobody has told us the class: the pictures are unlabelled.",
                "d": "It could copy those. There is something to learn only where it has to guess.",
            },
        ),
        hints=(
            "The target has to be in the data already, and it must not be in the input.",
            "BERT predicts the words that it was not shown.",
        ),
    )


def why_mostly_hidden() -> Question:
    return Question(
        id="why_mostly_hidden",
        title="Why 75% and not 15%",
        points=1,
        minutes=3,
        difficulty=2,
        answer=Choice(
            {
                "a": "pictures are larger than sentences, so more has to be left out to fit into memory",
                "b": "neighbouring patches say much the same: with few gaps, filling in from next door is enough",
                "c": "each picture has four patches of which one is important",
                "d": "a higher ratio makes the loss larger, and larger losses give larger gradients",
            },
            right="b",
            wrong={
                "a": "It does save time and memory, which is welcome, but BERT could hide 75% as well: it would have "
                "hardly a word left to guess from. What is different about the content?",
                "c": "There is no such rule: any patch may matter.",
                "d": "The loss is a mean over what was hidden; its size is not the point, its difficulty is.",
            },
        ),
        hints=(
            "Cover one word in seven of a sentence, and one patch in seven of a photograph. How do you fill each of "
            "them in?",
            "Think of how much of a patch its four neighbours give away.",
        ),
    )


def why_decoder() -> Question:
    return Question(
        id="why_decoder",
        title="Why a decoder",
        points=1,
        minutes=3,
        difficulty=2,
        answer=Choice(
            {
                "a": "the encoder has a token for what it saw and none for what it did not: something must paint the "
                "rest",
                "b": "every Transformer consists of an encoder and a decoder",
                "c": "the decoder classifies the picture after pre-training",
                "d": "without one, attention could not be computed on a part of the patches",
            },
            right="a",
            wrong={
                "b": "ViT and BERT are encoders only, GPT is a decoder only.",
                "c": "After pre-training the decoder is thrown away; it is the encoder that is kept.",
                "d": "Attention takes any number of tokens: it does not notice that some are missing.",
            },
        ),
        hints=(
            "Count: how many tokens leave the encoder, and how many patches have to be painted?",
            "BERT gets along without one since its encoder reads the mask tokens. What would that cost here?",
        ),
    )


def tokens_encoded() -> Question:
    return Question(
        id="tokens_encoded",
        title="How many tokens the encoder reads",
        points=1,
        minutes=2,
        difficulty=1,
        answer=Number(
            50,
            "tokens",
            wrong={
                49: "These are the patches. The class token goes along, it is never masked.",
                147: "These are the patches that are hidden. The encoder reads the others, and the class token.",
                148: "You kept 75%, and 75% are hidden. A quarter of the patches is read, and the class token.",
                196: "These are all patches; a quarter of them is read, and the class token.",
                197: "That is the whole sequence. The masked three quarters never enter the encoder.",
            },
        ),
        hints=(
            "A picture of 224 x 224 has 14 x 14 patches of 16 x 16 pixels. A quarter of them is kept.",
            "49 patches are kept. What else stands in the encoder's sequence?",
        ),
    )


def bert_for_pictures() -> Question:
    return Question(
        id="bert_for_pictures",
        title="Learning without labels, in your own words",
        points=4,
        minutes=6,
        difficulty=2,
        answer=FreeText(
            (
                "1 point: input – a large share of the patches is removed at random; only the others (with positions, "
                "and the class token) go through the encoder.",
                "1 point: target – the pixels of the removed patches, mean squared error there and nowhere else; no "
                "label is used.",
                "1 point: decoder – the encoder only has tokens of what it saw; mask tokens with positions join its "
                "output and a small Transformer paints. It keeps pixel detail and mask tokens out of the encoder, and "
                "is thrown away afterwards.",
                "1 point: why so much is hidden, in contrast to BERT – pictures are redundant, a small gap can be "
                "filled in from next door without understanding anything.",
            )
        ),
        hints=(
            "One sentence on each: what goes into the encoder, what the result is compared with and where, what the "
            "decoder has that the encoder has not, and why hiding 15% would be too easy.",
        ),
    )


def attention_share() -> Question:
    return Question(
        id="attention_share",
        title="The share of attention",
        points=1,
        minutes=2,
        difficulty=1,
        answer=Number(
            1 / 16,
            tolerance=1e-3,
            wrong={
                0.25: "That would be so if attention cost as much as there are tokens. Every token looks at every "
                "token.",
                0.75**2: "These are the masked ones. A quarter of the tokens is left.",
                16: "The other way round: what is the cost with a quarter of the tokens, over the cost with all?",
                4: "Once more: a quarter as many tokens, each of which looks at a quarter as many. And with a quarter "
                "of the tokens goes above the line, with all of them below.",
                0.75: "A quarter of the tokens is left, and each looks at a quarter of them.",
            },
        ),
        hints=(
            "Scores: one for each pair of tokens. How many pairs are there with N tokens, how many with N/4?",
            "(N/4)^2 over N^2.",
        ),
    )


def layer_share() -> Question:
    return Question(
        id="layer_share",
        title="The share of the linear layers",
        points=1,
        minutes=2,
        difficulty=1,
        answer=Number(
            0.25,
            tolerance=1e-3,
            wrong={
                1 / 16: "That is attention, where tokens meet in pairs. A linear layer takes one token at a time.",
                4: "The other way round: what is the cost with a quarter of the tokens, over the cost with all?",
                0.75: "These are the masked ones. A quarter of the tokens is left.",
                1: "The layer's weights stay the same, but it is applied to each token, and there are fewer.",
            },
        ),
        hints=(
            "A linear layer works on each token by itself.",
            "N/4 tokens, each at the same price.",
        ),
    )


def predict_painting() -> Experiment:
    return Experiment(
        id="predict_painting",
        title="What it paints after seconds, and after 40 epochs",
        question="Hidden patches of test pictures are painted by the mean of all training pictures, by a model after "
        "some seconds of pre-training, and by one after 40 epochs. After seconds the model is",
        options={
            "a": "worse than the mean picture: seconds are not enough",
            "b": "better than the mean picture, and far from the run of 40 epochs",
            "c": "as good as the run of 40 epochs",
        },
        outcome="b",
        claims=(
            Claim("seconds of pre-training", ">", "mean picture"),
            Claim("40 epochs, as shipped", ">", "seconds of pre-training"),
        ),
        published=(),
        unit="percent of plain grey's error on hidden patches that is gone",
    )


def predict_encoder_time() -> Experiment:
    return Experiment(
        id="predict_encoder_time",
        title="An encoder that leaves out three quarters",
        question="One forward and backward pass of the encoder over a batch, 49 patches each: with all of them, and "
        "with a quarter of them. With the quarter it is",
        options={
            "a": "about as fast: the model is the same",
            "b": "about four times as fast",
            "c": "about sixteen times as fast",
        },
        outcome="b",
        claims=(
            Claim("a quarter of them", ">", "all patches"),
            Claim("a quarter of them", "<", "16, for comparison"),
        ),
        published=(MAE_WALL_CLOCK,),
        unit="times as fast as with all patches",
    )


def tokens_afterwards() -> Question:
    return Question(
        id="tokens_afterwards",
        title="After pre-training",
        points=1,
        minutes=2,
        difficulty=1,
        answer=Number(
            197,
            "tokens",
            wrong={
                50: "That is masking left on after pre-training: the classifier would be shown a quarter of each "
                "picture. Hiding was the exercise; now the encoder works, and sees everything.",
                49: "That is masking left on, and the class token forgotten.",
                196: "All patches, rightly; the class token goes along.",
                147: "Hidden patches never enter the encoder, and now none is hidden.",
            },
        ),
        hints=(
            "What was the hiding for? Is there still a reason for it when a picture is to be classified?",
            "Nothing is masked any more: all patches, and the class token.",
        ),
    )


def predict_probe() -> Experiment:
    return Experiment(
        id="predict_probe",
        title="What the encoder has learned: a linear probe",
        question="One linear layer reads the mean of the encoder's patch tokens, and only that layer is trained on "
        "labels. Against the same encoder with random weights, the pre-trained one gives",
        options={
            "a": "about the same: it has never seen a label",
            "b": "clearly more",
            "c": "clearly less: it has learned to paint, not to classify",
        },
        outcome="b",
        claims=(Claim("pre-trained", ">", "random weights"),),
        published=(MAE_DECODER_DEPTH,),
    )


def predict_few_labels() -> Experiment:
    return Experiment(
        id="predict_few_labels",
        title="Few labels",
        question="Now the whole encoder is trained on a few labelled pictures, once from random weights (from "
        "scratch), once from the pre-trained ones (fine-tuned). Pre-training helps",
        options={
            "a": "with 100 labels and with 500",
            "b": "with 100 labels; with 500 there is no difference beyond the spread",
            "c": "with neither",
        },
        outcome="a",
        claims=(
            Claim("100 labels, fine-tuned", ">", "100 labels, from scratch"),
            Claim("500 labels, fine-tuned", ">", "500 labels, from scratch"),
        ),
        published=(MAE_GAIN,),
    )


def predict_mask_ratio() -> Experiment:
    return Experiment(
        id="predict_mask_ratio",
        title="How much to hide",
        question="Short pre-training runs that hide 15%, 50%, 75% and 90% of the patches, then a linear probe on whole "
        "pictures. In the paper 75% came out best for linear probing. On these pictures",
        options={
            "a": "75% comes out ahead of 15%, as in the paper",
            "b": "there is no difference between them beyond the luck of the seed",
            "c": "15%, as in BERT, comes out ahead of 75%",
        },
        outcome="c",
        claims=(  # the luck of a seed is large in runs this short
            Claim("15% hidden", ">", "75% hidden", over_seeds=True, published="<"),
            Claim("75% hidden", ">", "90% hidden", over_seeds=True),
        ),
        published=(MAE_MASK_RATIO,),
    )


def predict_mask_tokens() -> Experiment:
    return Experiment(
        id="predict_mask_tokens",
        title="Mask tokens in the encoder",
        question="As BERT does it: hidden patches are replaced by a mask token *before* the encoder. Same pictures, "
        "same number of steps, then a linear probe on whole pictures. Against leaving the hidden patches out, that "
        "gives",
        options={
            "a": "more: the encoder knows what is missing",
            "b": "no difference beyond the luck of the seed",
            "c": "less",
        },
        outcome="c",
        claims=(Claim("left out", ">", "mask tokens", over_seeds=True),),
        published=(MAE_MASK_TOKENS,),
    )
