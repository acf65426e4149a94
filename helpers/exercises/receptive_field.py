"""Lesson 04: what one token can see."""

from __future__ import annotations

import math
from functools import partial

import torch
from torch import Tensor

from helpers.exercises.definition import Claim, Exercise, Experiment, Item, Mistake, Question
from helpers.exercises.drawing import whole
from helpers.exercises.judge import same_value
from helpers.exercises.written import Choice, FreeText, Growth, Number
from helpers.models.conventions import STANDARD, Conventions
from helpers.models.receptive_field import (
    attention_distance,
    cnn_receptive_field,
    measured_receptive_field,
    patch_distances,
)
from helpers.papers import ERF_GAUSSIAN, ERF_GROWTH, VIT_ATTENTION_DISTANCE
from helpers.runner import Call, Reply, TorchModule


def items(conventions: Conventions = STANDARD) -> tuple[Item, ...]:
    """The lesson's exercises, questions and experiments, under the given conventions."""
    return (
        _field_three_convs(),
        _field_with_strides(),
        _cnn_receptive_field(),
        _convs_to_see_all(),
        _measured_receptive_field(),
        _gradient_zero_once(),
        _predict_outside(),
        _patch_token_field(),
        _vit_first_layer(),
        _small_weight_field(),
        _local_attention_field(),
        _erf_share(),
        _predict_effective(),
        _attention_distance(conventions),
        _predict_distance(),
        _predict_far(),
        _best_without_seeing_both(),
        _predict_few(),
        _for_and_against(),
    )


# -------------------------------------------------------------------------------------------- part 1: the CNN's formula


def _field_three_convs() -> Question:
    return Question(
        id="field_three_convs",
        title="Three 3x3 convolutions by hand",
        points=1,
        minutes=2,
        difficulty=1,
        answer=Number(
            7,
            "pixels",
            wrong={
                3: "That is one layer. Each further layer reads units that see 3 pixels themselves.",
                5: "That is two layers: one more pixel on either side for the third.",
                9: "3 + 3 + 3 counts shared pixels twice: neighbouring units see overlapping squares. Draw one row.",
                27: "3 * 3 * 3 would hold if the three units below saw squares that do not overlap (stride 3).",
                49: "That is the area. Asked for is the side.",
                8: "Count again: a layer adds one pixel on the left and one on the right.",
                6: "Those are the pixels that the layers add. The unit's own pixel is missing.",
            },
        ),
        hints=(
            "Draw one row of 9 pixels and three rows of units above it.",
            "One layer: 3 pixels. The second adds one pixel on either side.",
            "1 + 2 + 2 + 2.",
        ),
    )


def _field_with_strides() -> Question:
    return Question(
        id="field_with_strides",
        title="A stack with strides by hand",
        points=1,
        minutes=3,
        difficulty=2,
        answer=Number(
            9,
            "pixels",
            wrong={
                6: "You left the strides out: above the first layer, neighbouring units lie 2 pixels apart, so each "
                "further step of a kernel is worth 2 pixels.",
                13: "A stride counts one layer too early: it spreads the units that come *out* of a layer, so it "
                "matters for the layers above and not for the layer's own kernel.",
                10: "You went through the layers from the top down. The strides that count for a layer are those of "
                "the layers *below* it.",
                8: "3 + 3 + 2 adds whole kernels: they overlap, and the strides are missing too.",
                18: "3 * 3 * 2 multiplies kernels: neighbouring units see overlapping squares.",
                7: "Those are the two convolutions. The pooling on top still adds one step of 2 pixels.",
                81: "That is the area. Asked for is the side.",
                11: "A pooling of 2 makes one step, not two: kernel - 1 steps, of 2 pixels each.",
                5: "Those are the steps of the kernels alone: each of them is worth as many pixels as the units below "
                "it lie apart, and the unit's own pixel comes on top.",
            },
        ),
        hints=(
            "After the first layer neighbouring units lie 2 pixels apart.",
            "First layer: 3 pixels. Second: two steps more, of how many pixels each?",
            "1 + 2*1 + 2*2 + 1*2. The last stride of 2 concerns nobody: there is no layer above it.",
        ),
    )


def _stack(side_of_layers):
    """An answer that ignores nothing but what `side_of_layers` does."""
    return lambda layers: side_of_layers(list(layers))


def _early(layers):
    side = step = 1
    for kernel, stride, dilation in layers:
        step *= stride
        side += (kernel - 1) * dilation * step
    return side


def _walk(layers, reach, advance):
    """1 + the sum of reach(kernel, dilation) * step, where step goes to advance(step, stride, dilation) each layer."""
    side = step = 1
    for kernel, stride, dilation in layers:
        side += reach(kernel, dilation) * step
        step = advance(step, stride, dilation)
    return side


def _right_reach(kernel, dilation):
    return (kernel - 1) * dilation


def _right_advance(step, stride, dilation):
    return step * stride


def _cnn_receptive_field() -> Exercise:
    def cases(generator: torch.Generator) -> list[Call]:
        drawn = [tuple(whole(generator, *bounds) for bounds in ((2, 6), (2, 4), (1, 4))) for _ in range(4)]
        return [
            Call(([(3, 1, 1)] * 3,), group="stride 1"),
            Call(([(5, 1, 1), (2, 1, 1), (1, 1, 1), (7, 1, 1)],), group="stride 1"),
            Call(([(3, 2, 1), (3, 1, 1), (2, 2, 1)],), group="strides"),
            Call(([(7, 2, 1), (3, 2, 1), (3, 1, 1), (3, 3, 1), (3, 1, 1)],), group="strides"),
            Call(([(3, 1, 1), (3, 1, 2), (3, 1, 4)],), group="dilation"),
            Call(([(5, 2, 1), (3, 3, 3), (2, 2, 1), (3, 1, 2)],), group="dilation"),
            Call((drawn,), group="dilation"),
            Call(([(1, 1, 1)],), group="small"),
            Call(([],), group="small"),
        ]

    mistakes = (
        Mistake(
            "stride one layer early",
            "A stride counts one layer too early. It spreads the units that come *out* of its layer, so a layer's own "
            "kernel still steps by what lies below it: add first, multiply afterwards.",
            _stack(_early),
        ),
        Mistake(
            "strides ignored",
            "You add up kernels and leave the strides out. Above a layer of stride 2 neighbouring units lie 2 pixels "
            "apart, and every step of a later kernel is worth that much.",
            _stack(lambda layers: _walk(layers, _right_reach, lambda step, stride, dilation: 1)),
        ),
        Mistake(
            "dilation ignored",
            "You leave the dilation out. A kernel of 3 with dilation 2 reads places 0, 2 and 4: its two steps are two "
            "places long each.",
            _stack(lambda layers: _walk(layers, lambda kernel, dilation: kernel - 1, _right_advance)),
        ),
        Mistake(
            "a dilated kernel taken as kernel times dilation",
            "A kernel of 3 with dilation 2 spans 5 places, not 6: there are kernel - 1 gaps between its entries, and "
            "only they get longer.",
            _stack(lambda layers: _walk(layers, lambda kernel, dilation: kernel * dilation - 1, _right_advance)),
        ),
        Mistake(
            "dilation carried on like a stride",
            "You carry the dilation on to later layers. It stretches the layer's own kernel only; the units that come "
            "out lie as close as before. Only strides spread them.",
            _stack(lambda layers: _walk(layers, _right_reach, lambda step, stride, dilation: step * stride * dilation)),
        ),
        Mistake(
            "strides added up",
            "You add the strides up. Two layers of stride 2 put neighbouring units 4 pixels apart, three put them 8 "
            "apart: strides multiply.",
            _stack(lambda layers: _walk(layers, _right_reach, lambda step, stride, dilation: step + stride - 1)),
        ),
        Mistake(
            "only the stride of the layer below",
            "For each layer you take the stride of the one layer below. All layers below spread the units: take the "
            "product of their strides.",
            _stack(lambda layers: _walk(layers, _right_reach, lambda step, stride, dilation: stride)),
        ),
        Mistake(
            "from the top down",
            "You go through the layers the other way round. The list begins at the input, and for each layer the "
            "strides *below* it count.",
            _stack(lambda layers: _walk(layers[::-1], _right_reach, _right_advance)),
        ),
        Mistake(
            "padding counted as field",
            "You add the padding to the field. Padding puts zeros around the picture; zeros never change, so there is "
            "nothing more to see. The field does not depend on the padding at all.",
            _stack(
                lambda layers: _walk(
                    layers,
                    lambda kernel, dilation: (kernel - 1) * dilation + 2 * ((kernel - 1) * dilation // 2),
                    _right_advance,
                )
            ),
        ),
        Mistake(
            "the whole kernel added",
            "Each layer adds `kernel`, and only `kernel - 1` of it is new: one of its entries lies on what was "
            "already seen. Try it on a single 1x1 convolution, which sees one pixel.",
            _stack(lambda layers: _walk(layers, lambda kernel, dilation: kernel * dilation, _right_advance)),
        ),
        Mistake(
            "kernels added up",
            "That is the sum of the kernels. Neighbouring units see overlapping squares, so a layer adds kernel - 1 "
            "steps, and steps get longer with dilation and with the strides below.",
            _stack(lambda layers: sum(kernel for kernel, _, _ in layers)),
        ),
        Mistake(
            "kernels multiplied",
            "That is the product of the kernels, which would hold if neighbouring units saw squares that do not "
            "overlap. With stride 1 two 3x3 layers see 5 pixels, not 9.",
            _stack(lambda layers: math.prod(kernel for kernel, _, _ in layers)),
        ),
        Mistake(
            "begins at 0",
            "One pixel is missing everywhere: without any layer a unit is a pixel and sees itself. Begin at 1.",
            _stack(lambda layers: cnn_receptive_field(layers) - 1),
        ),
        Mistake(
            "the area",
            "That is the number of pixels in the square. Asked for is its side.",
            _stack(lambda layers: cnn_receptive_field(layers) ** 2),
        ),
        Mistake(
            "the largest kernel",
            "That is the largest of the (dilated) kernels. Layers build on one another: each widens what the layer "
            "below it sees.",
            _stack(lambda layers: max([1, *(1 + _right_reach(kernel, dilation) for kernel, _, dilation in layers)])),
        ),
        Mistake(
            "how far apart the units lie",
            "That is the product of the strides: how many pixels apart neighbouring units lie. You need it on the way; "
            "asked for is how many pixels one unit sees.",
            _stack(lambda layers: math.prod(stride for _, stride, _ in layers)),
        ),
    )
    return Exercise(
        id="cnn_receptive_field",
        title="The receptive field of a CNN",
        points=3,
        minutes=9,
        difficulty=2,
        cases=cases,
        reference=cnn_receptive_field,
        mistakes=mistakes,
        hints=(
            "Walk from the input up and keep two numbers: how many pixels a unit sees, and how many pixels apart "
            "neighbouring units lie. Both begin at 1.",
            "A layer takes kernel - 1 steps across the units below it. With dilation each step is `dilation` units "
            "long, and a unit is as many pixels wide as they lie apart.",
            "For each layer: first `side += (kernel - 1) * dilation * apart`, and only then `apart *= stride`.",
        ),
    )


def _convs_to_see_all() -> Question:
    return Question(
        id="convs_to_see_all",
        title="How many convolutions until one unit can see everything?",
        points=1,
        minutes=2,
        difficulty=2,
        answer=Number(
            112,
            "layers",
            wrong={
                111: "1 + 2 * 111 = 223: one column of pixels is still missing.",
                74: "224 / 3: that takes each layer for 3 new pixels. Each adds 2.",
                75: "224 / 3: that takes each layer for 3 new pixels. Each adds 2.",
                223: "Each layer adds 2 pixels, one on either side, not 1.",
                224: "Each layer adds 2 pixels, one on either side, not 1.",
                111.5: "Nearly: but there are no half layers. How many whole ones does it take?",
                113: "One fewer will do: solve 1 + 2n >= 224.",
                5: "3 ** 5 = 243 takes the fields of neighbouring units to lie side by side. At stride 1 they overlap.",
                8: "2 ** 8 = 256 is how it grows where each layer halves the grid. Here every stride is 1.",
            },
        ),
        hints=(
            "n layers of 3x3 with stride 1 see 1 + 2n pixels.",
            "Solve 1 + 2n >= 224 for the smallest whole n.",
        ),
    )


# ---------------------------------------------------------------------------------------------------- part 2: measured


def _gradient(model, image: Tensor, unit) -> Tensor:
    """Gradient (1, C, H, W) of one unit."""
    image = image.detach().clone().requires_grad_()
    (gradient,) = torch.autograd.grad(model(image)[tuple(unit)], image)
    return gradient


def _gradient_of_all(model, image: Tensor, unit) -> Tensor:
    image = image.detach().clone().requires_grad_()
    (gradient,) = torch.autograd.grad(model(image).sum(), image)
    return (gradient != 0).flatten(0, -3).any(0)


def _filled(field: Tensor) -> Tensor:
    """The smallest rectangle around the True pixels, filled."""
    rows, cols = field.any(1).nonzero()[:, 0], field.any(0).nonzero()[:, 0]
    filled = torch.zeros_like(field)
    if len(rows):
        filled[rows.min() : rows.max() + 1, cols.min() : cols.max() + 1] = True
    return filled


def _misplaced(model, image: Tensor, unit) -> Tensor:
    *front, row, col = unit
    return measured_receptive_field(model, image, (*front, col, row))


def _measured_receptive_field() -> Exercise:
    def cases(generator: torch.Generator) -> list[Call]:
        def draw(*shape):
            return torch.randn(*shape, generator=generator, dtype=torch.float64)

        def conv(channels, out, kernel, seed, **options):
            wanted = {"in_channels": channels, "out_channels": out, "kernel_size": kernel, **options}
            return TorchModule("Conv2d", wanted, seed=seed)

        gelu, relu = TorchModule("GELU"), TorchModule("ReLU")
        plain = TorchModule("Sequential", parts=(conv(3, 4, 3, 1), gelu, conv(4, 2, 3, 2, stride=2)))
        dilated = TorchModule("Sequential", parts=(conv(1, 3, 3, 3, stride=2, padding=1), conv(3, 2, 3, 4, dilation=2)))
        by_channel = conv(3, 3, 3, 5, groups=3, padding=1)
        pooled = TorchModule(
            "Sequential",
            parts=(conv(2, 6, 3, 6, padding=1), relu, TorchModule("MaxPool2d", {"kernel_size": 2}), conv(6, 2, 2, 7)),
        )
        faint = TorchModule("Sequential", parts=(TorchModule("AvgPool2d", {"kernel_size": 3, "stride": 1}),) * 8)
        rows = TorchModule("Linear", {"in_features": 6, "out_features": 4}, seed=8)
        layer = {"d_model": 6, "nhead": 2, "dim_feedforward": 12, "batch_first": True, "norm_first": True}
        transformer = TorchModule(
            "Sequential",
            parts=(
                TorchModule("Flatten", {"start_dim": 0, "end_dim": 1}),
                TorchModule("TransformerEncoderLayer", layer, seed=9),
            ),
        )
        return [
            Call((plain, draw(1, 3, 9, 12), (0, 1, 1, 3)), group="convolutions"),
            Call((dilated, draw(1, 1, 13, 10), (0, 0, 1, 0)), group="convolutions"),
            Call((dilated, draw(1, 1, 10, 15).float(), (0, 1, 0, 3)), group="convolutions"),
            Call((by_channel, draw(1, 3, 6, 5), (0, 2, 1, 3)), group="channels"),
            Call((by_channel, draw(1, 3, 6, 5), (0, 0, 4, 2)), group="channels"),
            Call((pooled, draw(1, 2, 8, 10), (0, 1, 2, 1)), group="pooling"),
            Call((faint, draw(1, 1, 19, 18), (0, 0, 1, 0)), group="pooling"),
            Call((rows, draw(1, 1, 5, 6), (0, 0, 3, 2)), group="everything in a row"),
            Call((transformer, draw(1, 1, 5, 6), (0, 3, 2)), group="attention"),
        ]

    def channelwise(model, image, unit):
        return _gradient(model, image, unit) != 0

    return Exercise(
        id="measured_receptive_field",
        title="Measure a receptive field",
        points=4,
        minutes=12,
        difficulty=2,
        cases=cases,
        reference=measured_receptive_field,
        compare=_same_field,
        mistakes=(
            Mistake(
                "the whole output instead of one unit",
                "This is what *any* unit sees: you take the gradient of the sum of the whole output. Pick the one "
                "number `model(image)[unit]` first.",
                _gradient_of_all,
            ),
            Mistake(
                "only positive gradients",
                "Pixels with a negative gradient are missing: a brighter pixel may push a unit down, and that is a "
                "reaction too. Compare with 0 by `!=`.",
                lambda *call: (_gradient(*call) > 0).flatten(0, -3).any(0),
            ),
            Mistake(
                "a threshold in place of zero",
                "You leave out pixels with a small gradient. Small is not zero: a pixel at the rim of a deep stack "
                "counts as well. Compare with 0 by `!=`.",
                lambda *call: (_gradient(*call).abs() > 1e-6).flatten(0, -3).any(0),
            ),
            Mistake(
                "only the first channel",
                "You look at the first channel of the picture only. A pixel counts if *any* of its channels matters; "
                "there are units that read the blue alone.",
                lambda *call: channelwise(*call).flatten(0, -3)[0],
            ),
            Mistake(
                "only pixels whose channels all matter",
                "You ask that all channels of a pixel matter. One is enough: take `any` over the channels.",
                lambda *call: channelwise(*call).flatten(0, -3).all(0),
            ),
            Mistake(
                "channels kept",
                "Nearly: what you return still has an axis for channels (and batch). A pixel is one place: it counts "
                "where any of its channels has a gradient. The result is (H, W).",
                channelwise,
            ),
            Mistake(
                "channels kept, batch gone",
                "Nearly: what you return still has an axis for the channels. A pixel is one place: it counts where any "
                "of its channels has a gradient. The result is (H, W).",
                lambda *call: channelwise(*call)[0],
            ),
            Mistake(
                "the gradient itself",
                "This is the gradient. Asked for is where it is not zero: truth values of shape (H, W).",
                lambda *call: _gradient(*call),
            ),
            Mistake(
                "the size of the gradient",
                "This is how large the gradient is. Asked for is where it is not zero: truth values.",
                lambda *call: _gradient(*call).abs().flatten(0, -3).amax(0),
            ),
            Mistake(
                "inside out",
                "These are the pixels that do *not* matter. The field is where the gradient is not zero.",
                lambda *call: ~measured_receptive_field(*call),
            ),
            Mistake(
                "turned over",
                "Rows and columns are swapped: the result is (W, H), and (H, W) was asked for. Square pictures hide "
                "it.",
                lambda *call: measured_receptive_field(*call).T,
            ),
            Mistake(
                "holes filled",
                "You return the rectangle around the field. With dilation or stride there are holes in it: pixels that "
                "this unit never reads. Say it pixel by pixel.",
                lambda *call: _filled(measured_receptive_field(*call)),
            ),
            Mistake(
                "the number of pixels",
                "That is how many pixels there are. Asked for is which: truth values of shape (H, W).",
                lambda *call: int(measured_receptive_field(*call).sum()),
            ),
            Mistake(
                "weak gradients dropped",
                "You drop pixels with a weak gradient. Weak is not zero: they still change the unit, if only a little. "
                "Compare with exactly 0, no threshold.",
                lambda *call: _gradient(*call).abs().flatten(0, -3).amax(0) > 1e-2,
            ),
            Mistake(
                "row and column of the unit swapped",
                "You look at another unit: the last two entries of `unit` are swapped. Use the tuple as it comes: "
                "`model(image)[unit]`.",
                _misplaced,
            ),
            Mistake(
                "gradient times picture",
                "You compare `gradient * image` with zero, or the picture itself: that asks what the unit got from the "
                "pixel, so a black pixel would never count. Look at the gradient alone.",
                lambda model, image, unit: (_gradient(model, image, unit) * image).sum(dim=-3)[0] > 0,
            ),
        ),
        hints=(
            "A gradient has the shape of what it is taken by. So: the gradient of one number, by the picture.",
            "Make a copy of the picture that wants a gradient (`image.clone().requires_grad_()`), run the model on it, "
            "pick the unit, and ask `torch.autograd.grad(value, copy)`, which returns a tuple.",
            "With `gradient` of shape (1, C, H, W): `(gradient != 0).any(dim=1)[0]`.",
        ),
    )


def _same_field(call: Call, expected: Reply, found: Reply) -> str | None:
    """What is wrong with a field, in counted pixels where it has the right shape."""
    difference = same_value(expected.value, found.value)
    fields = [value for value in (expected.value, found.value) if type(value) is Tensor and value.dtype == torch.bool]
    if difference is None or len(fields) < 2 or fields[0].shape != fields[1].shape:
        return difference
    hit = int((found.value & expected.value).sum())
    extra = int((found.value & ~expected.value).sum())
    return (
        f"It marks {hit} of the {int(expected.value.sum())} pixels that this unit reacts to, and {extra} to which it "
        "does not react."
    )


def _gradient_zero_once() -> Question:
    return Question(
        id="gradient_zero_once",
        title="A gradient of zero on one picture",
        points=1,
        minutes=3,
        difficulty=2,
        answer=Choice(
            {
                "a": "yes: a gradient of zero means that the unit cannot see the pixel",
                "b": "no: on another picture, or after a larger change, the same pixel may matter",
                "c": "no: gradients are never exactly zero, so it must be rounding",
            },
            right="b",
            wrong={
                "a": "It means that a *tiny* change does nothing *on this picture*. Think of a ReLU that is off, or of "
                "a pixel that is not the largest in its pooling window.",
                "c": "It is exactly zero: where no path leads from a pixel to a unit there is nothing to round.",
            },
        ),
        hints=(
            "What is the gradient of max(3, 5) by the 3? And what if the 3 becomes a 6?",
            "A field is about what *can* change the unit, on any picture and by any amount.",
        ),
    )


def _predict_outside() -> Experiment:
    return Experiment(
        id="predict_outside",
        title="Change one pixel",
        question="A pixel just outside the field of a unit is changed a lot. In how many of 60 random CNNs does the "
        "unit change, by however little?",
        options={
            "a": "in all of them, if only in the last digits: everything hangs together",
            "b": "in some, since rounding errors travel",
            "c": "in none: the change is exactly zero",
        },
        outcome="c",
        claims=(
            Claim("CNN, pixel inside", ">", "CNN, pixel outside"),
            Claim("ViT, one block, any pixel", ">", "CNN, pixel outside"),
            Claim("ViT, one block, any pixel", "=", "CNN, pixel inside"),
        ),
        published=(),
        unit="% of networks in which the unit changes",
    )


# --------------------------------------------------------------------------------------------------------- part 3: ViT


def _patch_token_field() -> Question:
    return Question(
        id="patch_token_field",
        title="A token before the first block",
        points=1,
        minutes=1,
        difficulty=1,
        answer=Number(
            16,
            "pixels",
            wrong={
                224: "That is the whole picture. Before the first block tokens have not met yet.",
                256: "That is the area of a patch, 16 * 16. Asked for is the side.",
                14: "That is the number of patches on a side. How many pixels has one patch?",
                1: "A token is made of more than one pixel: of its whole patch.",
                768: "That is how many numbers a patch holds, 16 * 16 * 3. Asked for is the side in pixels.",
                48: "That would be a patch and its neighbours. The patches do not overlap.",
            },
        ),
        hints=("The patch embedding is a convolution with kernel 16 and stride 16.", "1 + (16 - 1)."),
    )


def _vit_first_layer() -> Question:
    return Question(
        id="vit_first_layer",
        title="The same token after the first block",
        points=1,
        minutes=2,
        difficulty=1,
        answer=Choice(
            {
                "a": "those of its own patch",
                "b": "those of its patch and the eight around it",
                "c": "all of them",
                "d": "those of the patches that its query found, the others not",
            },
            right="c",
            wrong={
                "a": "That was before the block. Attention adds a weighted sum of the values of *all* tokens.",
                "b": "That would be a 3x3 convolution over patches. Attention has no notion of neighbours.",
                "d": "Attention does not pick: a softmax gives every token a weight above zero. Small is not zero.",
            },
        ),
        hints=(
            "The output of attention for one token is a sum over all tokens of weight times value.",
            "Can a softmax give a weight of exactly zero?",
        ),
    )


def _small_weight_field() -> Question:
    return Question(
        id="small_weight_field",
        title="A value of zero",
        points=1,
        minutes=2,
        difficulty=3,
        answer=Choice(
            {
                "a": "no: what counts is weight times value, and that product is zero",
                "b": "yes: a change of the pixel changes that patch's value and key, and with them the sum",
                "c": "only if the patch is a neighbour",
            },
            right="b",
            wrong={
                "a": "The product is zero *now*. Change the pixel and the value is not zero any more; the key changes "
                "too, and with it every weight of the row.",
                "c": "Attention has no notion of neighbours.",
            },
        ),
        hints=(
            "The field asks what would change, not what is there now.",
            "A pixel enters three times: through the query of its own token, and through key and value for all others.",
        ),
    )


def _local_attention_field() -> Question:
    return Question(
        id="local_attention_field",
        title="Attention that looks at neighbours only",
        points=1,
        minutes=3,
        difficulty=2,
        answer=Number(
            112,
            "pixels",
            wrong={
                224: "That holds for full attention. Here a token only reaches one patch further in each block.",
                7: "That is in patches. How many pixels is that?",
                48: "That is after one block: 3 patches of 16 pixels.",
                144: "3 + 3 + 3 patches: neighbouring windows overlap. It is 1 + 2 + 2 + 2, as with convolutions.",
                432: "3 * 3 * 3 patches: neighbouring windows overlap. It is 1 + 2 + 2 + 2, as with convolutions.",
                80: "That is after two blocks: 5 patches.",
                **dict.fromkeys(
                    (96, 142), "Each block reaches one patch further on either side: 1 + 2 + 2 + 2 patches."
                ),
                22: "16 + 2 + 2 + 2 adds pixels. Each block reaches one *patch* further on either side.",
            },
        ),
        hints=(
            "Count in patches first: it is three 3x3 convolutions over the grid of patches.",
            "7 patches on a side, 16 pixels each.",
        ),
    )


# ----------------------------------------------------------------------------------------------------- part 4: effectiv


def _erf_share() -> Question:
    return Question(
        id="erf_share",
        title="How the effective share shrinks with depth",
        points=2,
        minutes=4,
        difficulty=3,
        answer=Growth(
            "1/sqrt(n)",
            {"n": "number of layers"},
            wrong={
                "sqrt(n)": "That is how wide the bell is. The field itself grows like n: take the ratio.",
                "1/n": "That would hold if the bell kept its width. Variances add up: the width grows like sqrt(n).",
                "1": "Then the bell would be as wide as the field allows. Variances add, widths do not.",
                "n": "A share cannot grow beyond 1. The bell's width grows like sqrt(n), the field like n.",
                "1/n**2": "That is too fast: the bell's width grows like sqrt(n), the field like n.",
                "sqrt(n)*n": "A share cannot grow beyond 1. Divide: width of the bell over side of the field.",
            },
        ),
        hints=(
            "The side of the field is 1 + 2n. How does the width of the bell grow?",
            "The variance of a sum of n independent steps is n times that of one step; the width is its root.",
            "sqrt(n) over n.",
        ),
    )


def _predict_effective() -> Experiment:
    return Experiment(
        id="predict_effective",
        title="How much of its field does a unit use?",
        question="Random CNNs of 3x3 convolutions, 4, 16 and 64 layers deep. Which share of the side of its field does "
        "a unit really react to (at least 4.55% of its reaction to the strongest pixel)?",
        options={
            "a": "a share that shrinks as the network gets deeper",
            "b": "all of it, whatever the depth",
            "c": "a share that grows as the network gets deeper",
        },
        outcome="a",
        claims=(Claim("4 layers", ">", "16 layers"), Claim("16 layers", ">", "64 layers")),
        published=(ERF_GAUSSIAN, ERF_GROWTH),
        unit="% of the side of the theoretical field",
    )


# ------------------------------------------------------------------------------------------- part 5: attention distance


def _attention_distance(conventions: Conventions) -> Exercise:
    def cases(generator: torch.Generator) -> list[Call]:
        def weights(batch, heads, tokens):
            scores = 2 * torch.randn(batch, heads, tokens, tokens, generator=generator, dtype=torch.float64)
            return scores.softmax(dim=-1)

        return [
            Call((weights(2, 3, 6), (2, 3)), group="distances"),
            Call((weights(1, 2, 8), (4, 2)), group="distances"),
            Call((weights(3, 4, 15).float(), (3, 5)), group="distances"),
            Call((weights(2, 1, 5), (1, 5)), group="edges"),
            Call((torch.eye(6, dtype=torch.float64).expand(1, 2, 6, 6).clone(), (3, 2)), group="edges"),
            Call((torch.full((2, 3, 12, 12), 1 / 12, dtype=torch.float64), (4, 3)), group="edges"),
        ]

    def places(grid):
        """Row and column of each patch of the sequence: (N, 2), float64."""
        rows, cols = grid
        number = torch.arange(rows * cols)
        if conventions.sequence == "row-major":
            return torch.stack([number // cols, number % cols], dim=1).double()
        return torch.stack([number % rows, number // rows], dim=1).double()

    def apart(grid):
        """Differences of places: (N, N, 2)."""
        return (places(grid)[:, None] - places(grid)[None, :]).abs()

    def weighted(distances):
        """An answer that is right but for its distances: distances(grid) -> (N, N)."""
        return lambda weights, grid: (weights * distances(grid).to(weights)).sum(-1).mean((0, 2))

    def right(grid):
        return patch_distances(grid, conventions)

    def without_self(weights, grid):
        weights = weights * (1 - torch.eye(weights.shape[-1]).to(weights))
        weights = weights / weights.sum(-1, keepdim=True).clamp_min(1e-12)
        return (weights * right(grid).to(weights)).sum(-1).mean((0, 2))

    def centroid(weights, grid):
        place = places(grid).to(weights)
        return torch.linalg.vector_norm(weights @ place - place, dim=-1).mean((0, 2))

    def strongest(weights, grid):
        chosen = weights.argmax(-1)  # (B, heads, N)
        distances = right(grid).to(weights)
        return distances[torch.arange(len(distances)), chosen].mean((0, 2))

    by_rows = conventions.sequence == "row-major"
    beside, line = ("below", "row") if by_rows else ("to the right", "column")
    place = ("`k // cols`", "`k % cols`") if by_rows else ("`k % rows`", "`k // rows`")
    return Exercise(
        id="attention_distance",
        title="How far does a head look?",
        points=4,
        minutes=12,
        difficulty=2,
        cases=cases,
        reference=partial(attention_distance, conventions=conventions),
        mistakes=(
            Mistake(
                "the grid turned over",
                f"Your patches stand in the wrong places: the sequence runs over the grid "
                f"{conventions.words()['sequence_words']}, and grid is (rows, cols). On a square grid nobody would "
                "notice.",
                lambda weights, grid: attention_distance(weights, grid[::-1], conventions),
            ),
            Mistake(
                "distance along the sequence",
                f"You measure how far apart tokens are in the list. The patch {beside} stands a whole {line} later in "
                "the list and lies next door: work with row and column.",
                weighted(
                    lambda grid: (
                        torch.arange(float(grid[0] * grid[1]))[:, None] - torch.arange(float(grid[0] * grid[1]))
                    ).abs()
                ),
            ),
            Mistake(
                "steps along the grid",
                "You add rows and columns, as a taxi drives (Manhattan distance). Asked for is the straight line: "
                "a diagonal neighbour is 1.41 away, not 2.",
                weighted(lambda grid: apart(grid).sum(-1)),
            ),
            Mistake(
                "the larger of rows and columns",
                "You take the larger of the two differences, as a king moves. Asked for is the straight line: a "
                "diagonal neighbour is 1.41 away, not 1.",
                weighted(lambda grid: apart(grid).amax(-1)),
            ),
            Mistake(
                "the squared distance",
                "The root is missing: these are squared distances.",
                weighted(lambda grid: right(grid).square()),
            ),
            Mistake(
                "a root after the mean",
                "You average squared distances and take the root at the end, which favours what is far. Take the root "
                "of each distance first, then average.",
                lambda weights, grid: weighted(lambda grid: right(grid).square())(weights, grid).sqrt(),
            ),
            Mistake(
                "rows only",
                "You measure how many rows apart patches lie and forget the columns.",
                weighted(lambda grid: apart(grid)[..., 0]),
            ),
            Mistake(
                "columns only",
                "You measure how many columns apart patches lie and forget the rows.",
                weighted(lambda grid: apart(grid)[..., 1]),
            ),
            Mistake(
                "weights forgotten",
                "This is the mean distance of all pairs of patches: the same for every head. Each distance has to be "
                "weighted by how much is looked at it.",
                lambda weights, grid: right(grid).to(weights).mean().expand(weights.shape[1]).clone(),
            ),
            Mistake(
                "averaged over the keys as well",
                "Everything is N times too small: you average over the keys. The weights of a row sum to 1 already, so "
                "over the keys it is a sum; the mean goes over queries and pictures.",
                lambda weights, grid: (weights * right(grid).to(weights)).mean((0, 2, 3)),
            ),
            Mistake(
                "summed over the queries",
                "Everything is N times too large: you sum over the queries. Each query has its own distance; take "
                "their mean.",
                lambda weights, grid: (weights * right(grid).to(weights)).sum((-1, -2)).mean(0),
            ),
            Mistake(
                "summed over the pictures",
                "You sum over the pictures of the batch: take their mean, or the result grows with the batch.",
                lambda weights, grid: (weights * right(grid).to(weights)).sum(-1).mean(2).sum(0),
            ),
            Mistake(
                "one number for each picture",
                "You return a row for each picture. Average over the batch as well: one number a head.",
                lambda weights, grid: (weights * right(grid).to(weights)).sum(-1).mean(2),
            ),
            Mistake(
                "heads averaged",
                "You average over the heads. They are what is to be compared: keep one number for each.",
                lambda weights, grid: (weights * right(grid).to(weights)).sum(-1).mean(),
            ),
            Mistake(
                "one number for each query",
                "You average over the heads and keep the queries. Keep the heads: the result is (heads,).",
                lambda weights, grid: (weights * right(grid).to(weights)).sum(-1).mean((0, 1)),
            ),
            Mistake(
                "without the token itself",
                "You leave out how much a token looks at itself. That counts, with distance 0: it is what makes a head "
                "local.",
                without_self,
            ),
            Mistake(
                "distance to the mean place",
                "You average the places first and measure the distance to that point. A head that looks left and "
                "right alike would get 0. Measure each distance first, then average.",
                centroid,
            ),
            Mistake(
                "only the strongest",
                "You take the distance to the patch that is looked at most. All patches count, each with its weight.",
                strongest,
            ),
        ),
        hints=(
            "Two steps: how far apart are patches i and j, an (N, N) table; then weigh that table with the attention.",
            f"The patches stand {conventions.words()['sequence_words']}, so row and column of patch k are {place[0]} "
            f"and {place[1]}; the distance is the root of the squared differences. `torch.cdist` makes the table from "
            "an (N, 2) list of places.",
            "`(weights * distances).sum(dim=-1)` is a mean distance for each query, since each row sums to 1; then "
            "`.mean(dim=(0, 2))` over pictures and queries.",
        ),
    )


def _predict_distance() -> Experiment:
    return Experiment(
        id="predict_distance",
        title="How far do the heads of a trained ViT look?",
        question="The heads of a small ViT trained on Fashion-MNIST (3 blocks, 4 heads, 7x7 patches). With 100% for a "
        "head that looks everywhere alike, how far does its most local head of block 1 look?",
        options={
            "a": "about 30%, as a 3x3 convolution over patches would: locality is learnt",
            "b": "about 60%: half way between near and everywhere",
            "c": "over 90%: hardly less far than a head that looks everywhere alike",
        },
        outcome="c",
        claims=(
            Claim("block 1, most local head", ">", "a 3x3 window"),
            Claim("block 1, farthest head", ">", "block 1, most local head"),
            Claim("block 3, mean of heads", ">", "block 1, mean of heads"),
        ),
        published=(VIT_ATTENTION_DISTANCE,),
        unit="% of the distance of a head that looks everywhere alike",
    )


# ----------------------------------------------------------------------------------------------- part 6: for and agains


def _predict_far() -> Experiment:
    return Experiment(
        id="predict_far",
        title="Two marks far apart: alike or not?",
        question="Pictures of 24 pixels with one of four marks on the left and one on the right, at least 12 pixels "
        "apart: alike or not? Which models can tell (chance is 50%)?",
        options={
            "a": "all of them: the CNNs' mean over the picture brings both marks together",
            "b": "the ViT with its one block, and the CNN whose field covers both marks; not the CNN with field 7",
            "c": "only the ViT: convolutions cannot compare",
        },
        outcome="b",
        claims=(
            Claim("ViT, one block", ">", "CNN, field 7"),
            Claim("CNN, field 31", ">", "CNN, field 7"),
            Claim("ViT, one block", "=", "CNN, field 31"),
        ),
        published=(),
    )


def _best_without_seeing_both() -> Question:
    return Question(
        id="best_without_seeing_both",
        title="The best score of a model that never sees both marks",
        points=2,
        minutes=4,
        difficulty=3,
        answer=Number(
            200 / 3,
            "%",
            tolerance=6e-3,
            wrong={
                50: "It can do better than chance: give one kind of mark so large a vote that only two of it pass the "
                "threshold.",
                62.5: "Nearly: that is what one kind of mark with a large vote brings, or three. What if *two* kinds "
                "have the same large vote? Count the like pairs that pass, and the unlike ones.",
                75: "Half of the like pairs, all of the unlike ones? Two kinds with the same large vote let one unlike "
                "pair pass as well: one of each.",
                100: "Then it would tell all like pairs from all unlike ones. With votes w_1 > w_2 > w_3 > w_4 the "
                "pair (2, 2) scores 2 * w_2: can that be above (1, 2), which scores w_1 + w_2?",
                16.7: "That is the gain over chance. Add the 50%.",
            },
        ),
        hints=(
            "It says alike above a threshold. Let m kinds of marks have the same large vote and the others a small "
            "one, with a threshold that only two large votes pass. Which pairs pass?",
            "Like pairs: m of 4 pass, rightly. Unlike pairs: those of two different large kinds pass, wrongly, "
            "m * (m - 1) / 2 of 6.",
            "50% * m/4 + 50% * (1 - m * (m - 1) / 12), for m = 1, 2, 3, 4: which is largest?",
        ),
    )


def _predict_few() -> Experiment:
    return Experiment(
        id="predict_few",
        title="Only 300 pictures to learn from",
        question="300 pictures of garments to learn from, 2,000 to test on. A ViT and a CNN: who wins?",
        options={
            "a": "the ViT: it is free to look wherever that helps",
            "b": "neither: no difference beyond the spread, as with many pictures in lesson 02",
            "c": "the CNN: that near pixels belong together is built in, and the ViT has to learn it",
        },
        outcome="c",
        claims=(Claim("CNN", ">", "ViT"),),
        published=(),
    )


def _for_and_against() -> Question:
    return Question(
        id="for_and_against",
        title="For and against seeing everything at once",
        points=4,
        minutes=8,
        difficulty=2,
        answer=FreeText(
            (
                "1 point: compares correctly. After one block a token's field is the whole picture; a CNN's grows by "
                "(kernel-1) * dilation * strides a layer and is exactly zero outside.",
                "1 point, for: distant parts can be compared at any depth, in one step, whatever the size of the "
                "picture; what is looked at depends on the picture (weights are computed) and need not be near.",
                "1 point, against: cost N^2 in the number of tokens (lesson 03); no built-in preference for near "
                "pixels and no sharing over places, so it has to be learnt from data, and small data sets favour CNNs.",
                "1 point: uses a measurement of this lesson (the two marks, the effective field, the attention "
                "distances) as evidence, and does not confuse 'can see' with 'does use'.",
            )
        ),
        hints=(),
    )
