"""Lesson 00: einops, reshaping that reads like a sentence."""

from __future__ import annotations

from functools import partial

import torch
import torch.nn.functional as F
from einops import rearrange, reduce, repeat
from torch import Tensor

from helpers.exercises.definition import Claim, Exercise, Experiment, Item, Mistake, Question
from helpers.exercises.written import Choice, Shape
from helpers.models.conventions import STANDARD, Conventions
from helpers.runner import Call


def items(conventions: Conventions = STANDARD) -> tuple[Item, ...]:
    """The lesson's exercises, questions and experiments; no convention of patches, tokens or masks comes up in it."""
    return (
        _shape_sideways(),
        _to_channels_last(),
        _shape_column(),
        _bracket_order(),
        _shape_split(),
        _photo_album(),
        _shape_reduced(),
        _average_pool(),
        _tile_or_enlarge(),
        _upsample(),
        _shape_heads(),
        _split_heads(),
        _merge_heads(),
        _predict_view(),
        _when_reshape_alone(),
    )


def to_channels_last(images: Tensor) -> Tensor:
    """Channels behind the pixels: (B, C, H, W) -> (B, H, W, C)."""
    return rearrange(images, "b c h w -> b h w c")


def photo_album(images: Tensor, rows: int) -> Tensor:
    """Pictures in a grid, row by row: (rows*cols, C, H, W) -> (rows*H, cols*W, C)."""
    return rearrange(images, "(rows cols) c h w -> (rows h) (cols w) c", rows=rows)


def average_pool(images: Tensor, k: int) -> Tensor:
    """The mean of each k x k square: (B, C, H, W) -> (B, C, H/k, W/k)."""
    return reduce(images, "b c (h k1) (w k2) -> b c h w", "mean", k1=k, k2=k)


def upsample(images: Tensor, k: int) -> Tensor:
    """Each pixel as a k x k square: (B, C, H, W) -> (B, C, H*k, W*k)."""
    return repeat(images, "b c h w -> b c (h k1) (w k2)", k1=k, k2=k)


def split_heads(x: Tensor, heads: int) -> Tensor:
    """The features of each token, dealt out to heads: (B, N, heads*d) -> (B, heads, N, d)."""
    return rearrange(x, "b n (h d) -> b h n d", h=heads)


def merge_heads(x: Tensor) -> Tensor:
    """Undoes split_heads: (B, heads, N, d) -> (B, N, heads*d)."""
    return rearrange(x, "b h n d -> b n (h d)")


# ------------------------------------------------------------------------------------------------------ part 2: names


def _shape_sideways() -> Question:
    return Question(
        id="shape_sideways",
        title="Read a pattern: two axes change places",
        points=1,
        minutes=1,
        difficulty=1,
        answer=Shape(
            (10, 3, 48, 32),
            {
                (10, 3, 32, 48): "That is the shape before. Read the right side: `w` stands in front of `h` there.",
                (10, 48, 32, 3): "The height and the width are right, and the channels have moved: in the pattern `c` "
                "stays second.",
                (3, 48, 32): "No picture goes lost: `b` stands on the right side too.",
            },
        ),
        hints=(
            "Write the four lengths under the four letters of the left side.",
            "b = 10, c = 3, h = 32, w = 48. Now copy each length to where its letter stands on the right side.",
            "Only the last two change places.",
        ),
    )


def _to_channels_last() -> Exercise:
    def cases(generator: torch.Generator) -> list[Call]:
        draw = partial(torch.randn, generator=generator, dtype=torch.float64)
        return [
            Call((draw(2, 3, 4, 6),), group="order"),
            Call((draw(4, 2, 5, 3),), group="order"),
            Call((draw(1, 3, 5, 7),), group="a batch of one"),
            Call((draw(2, 3, 5, 4).float(),), gradients=True, group="gradient"),
        ]

    return Exercise(
        id="to_channels_last",
        title="Move the channels behind the pixels",
        points=1,
        minutes=4,
        difficulty=1,
        cases=cases,
        reference=to_channels_last,
        mistakes=(
            Mistake(
                "height and width swapped",
                "The channels are last, and every picture lies on its side: the height and the width have changed "
                "places. Keep `h` in front of `w` (`transpose(1, 3)` swaps two axes; here three of them move).",
                lambda images: rearrange(images, "b c h w -> b w h c"),
            ),
            Mistake(
                "reshape without permute",
                "The shape is right and the pictures are scrambled: `reshape` and `view` only cut the same row of "
                "numbers into other lengths, they move nothing. An axis has to move here: name it on both sides of a "
                "pattern.",
                lambda images: images.reshape(images.shape[0], *images.shape[2:], images.shape[1]),
            ),
            Mistake(
                "nothing moved",
                "You return the pictures as they came, (B, C, H, W): on the right side of the pattern `c` has to "
                "stand last.",
                lambda images: rearrange(images, "b c h w -> b c h w"),
            ),
            Mistake(
                "the way back",
                "This is the opposite map: it takes (B, H, W, C) to (B, C, H, W). With `permute` each number says "
                "where an axis comes from; with a pattern there is nothing to mix up.",
                lambda images: images.permute(0, 3, 1, 2),
            ),
            Mistake(
                "channels one place further",
                "The channels moved one place, behind the height, and they should move two, behind the width as well.",
                lambda images: rearrange(images, "b c h w -> b h c w"),
            ),
            Mistake(
                "rows and columns exchanged, channels left",
                "Two axes changed places, and not those asked for: the channels still stand second, and the pictures "
                "lie on their sides.",
                lambda images: rearrange(images, "b c h w -> b c w h"),
            ),
            Mistake(
                "batch last",
                "All four axes moved round by one, so the batch is last now. The batch stays first; only the "
                "channels go to the end.",
                lambda images: rearrange(images, "b c h w -> c h w b"),
            ),
            Mistake(
                "first picture only",
                "You return one picture of the batch, (H, W, C): every picture has to come out, (B, H, W, C).",
                lambda images: rearrange(images[0], "c h w -> h w c"),
            ),
            Mistake(
                "batch of one squeezed",
                "It works until the batch holds one picture: then its axis of length 1 is gone. Does `squeeze` stand "
                "somewhere? Keep the batch axis at every length.",
                lambda images: rearrange(images, "b c h w -> b h w c").squeeze(),
            ),
        ),
        hints=(
            "Four axes come in, the same four go out, in another order. Say the order aloud first.",
            "The left side names what comes in: `b c h w`. Write the same letters again on the right.",
            "The right side starts with `b`, and `c` goes to the very end; `h` and `w` keep their order.",
        ),
    )


# --------------------------------------------------------------------------------------------- parts 3 and 4: brackets


def _shape_column() -> Question:
    return Question(
        id="shape_column",
        title="Read a pattern: brackets on the right",
        points=1,
        minutes=1,
        difficulty=1,
        answer=Shape(
            (3, 320, 48),
            {
                (3, 32, 480): "The pictures stand under one another, not side by side: the bracket holds `b h`, so the "
                "height grows.",
                (320, 48, 3): "Ten heights, and the width as it was: right. But `c` stands first in this pattern.",
                (3, 10, 32, 48): "A bracket on the right makes one axis of those inside it.",
                (10, 32, 3, 48): "A bracket on the right makes one axis of those inside it.",
            },
        ),
        hints=(
            "The right side has three entries, so the result has three axes.",
            "A bracket on the right is one axis. Its length is the product of the lengths inside.",
            "c stays 3, w stays 48; the bracket holds b = 10 and h = 32.",
        ),
    )


def _bracket_order() -> Question:
    return Question(
        id="bracket_order",
        title="The order inside a bracket",
        points=1,
        minutes=2,
        difficulty=2,
        answer=Choice(
            {
                "a": "the same row, its pictures in the opposite order",
                "b": "the six pictures mixed, one column of pixels of each in turn",
                "c": "exactly the same row",
            },
            "b",
            {
                "a": "For that the batch itself would have to run backwards, and no pattern reverses an axis. Ask "
                "which of the two letters moves faster as one walks to the right.",
                "c": "The length is the same, 6 times the width, but the order is not: in `(w b)` the right one, `b`, "
                "is the fast one. Which pixel comes second?",
            },
        ),
        hints=(
            "Walk along the new axis from the left: which of the two indices changes at every step?",
            "Brackets count as digits do: the right factor is the ones, the left one the tens.",
            "In `(w b)` the walk is: column 0 of picture 0, column 0 of picture 1, column 0 of picture 2, …",
        ),
    )


def _shape_split() -> Question:
    return Question(
        id="shape_split",
        title="Read a pattern: brackets on both sides",
        points=1,
        minutes=2,
        difficulty=2,
        answer=Shape(
            (5, 3, 32, 96),
            {
                (2, 3, 32, 240): "You took b1 for b2: `b1 = 2` is given, so b2 = 10 / 2 = 5, and `b2` stands first.",
                (5, 3, 32, 48): "`b1` has not gone away: it stands in the last bracket, so the width is b1 times 48.",
                (10, 3, 32, 96): "The batch was split: only its part b2 stands first on the right.",
                (5, 3, 64, 48): "The bracket on the right holds `b1 w`: the width grows, not the height.",
                (5, 2, 3, 32, 48): "The last bracket on the right is one axis, so there are four in all.",
            },
        ),
        hints=(
            "First the left side: `(b1 b2)` is the batch of 10, and b1 is 2.",
            "So b2 is 10 / 2. Now the right side, entry by entry.",
            "b2 = 5 stands first; the last entry is b1 times w.",
        ),
    )


def _photo_album() -> Exercise:
    def cases(generator: torch.Generator) -> list[Call]:
        draw = partial(torch.randn, generator=generator, dtype=torch.float64)
        return [
            Call((draw(6, 3, 2, 5), 2), group="grid"),
            Call((draw(12, 1, 3, 2), 3), group="grid"),
            Call((draw(3, 2, 4, 3), 1), group="one row or one column"),
            Call((draw(4, 3, 3, 5), 4), group="one row or one column"),
            Call((draw(1, 3, 4, 5), 1), group="a batch of one"),
            Call((draw(8, 3, 2, 3).float(), 2), gradients=True, group="gradient"),
        ]

    def scrambled(images: Tensor, rows: int) -> Tensor:
        count, channels, height, width = images.shape
        return images.reshape(rows * height, count // rows * width, channels)

    def half_scrambled(images: Tensor, rows: int) -> Tensor:
        count, channels, height, width = images.shape
        return images.permute(0, 2, 3, 1).reshape(rows * height, count // rows * width, channels)

    return Exercise(
        id="photo_album",
        title="Lay pictures out as an album page",
        points=3,
        minutes=8,
        difficulty=2,
        cases=cases,
        reference=photo_album,
        mistakes=(
            Mistake(
                "column by column",
                "Your album fills up column by column: picture 1 stands under picture 0, and should stand to the "
                "right of it. In a bracket the right factor is the fast one: which of rows and columns changes with "
                "every picture?",
                lambda images, rows: rearrange(images, "(cols rows) c h w -> (rows h) (cols w) c", rows=rows),
            ),
            Mistake(
                "rows taken for columns",
                "Your album has `rows` columns. The pictures are in the right order, but the number given belongs to "
                "the other axis: check which name gets `=rows`.",
                lambda images, rows: rearrange(images, "(rows cols) c h w -> (rows h) (cols w) c", cols=rows),
            ),
            Mistake(
                "two rows always",
                "Your album always has two rows: the number of rows comes in as the argument `rows`, so pass that on.",
                lambda images, rows: rearrange(images, "(rows cols) c h w -> (rows h) (cols w) c", rows=2),
            ),
            Mistake(
                "grid transposed",
                "Rows of the album have become its columns: the axis of length `rows` has to be joined with the "
                "height, the other one with the width.",
                lambda images, rows: rearrange(images, "(rows cols) c h w -> (cols h) (rows w) c", rows=rows),
            ),
            Mistake(
                "pixels interleaved",
                "Every picture is torn apart and mixed with the others: in `(h rows)` the right factor is the fast "
                "one, so neighbouring lines come from different pictures. A picture's own pixels must be the fast "
                "ones, along both sides.",
                lambda images, rows: rearrange(images, "(rows cols) c h w -> (h rows) (w cols) c", rows=rows),
            ),
            Mistake(
                "lines interleaved",
                "Along the width all is well; along the height, lines of different pictures alternate: within that "
                "bracket the picture's own axis must be the fast one, on the right.",
                lambda images, rows: rearrange(images, "(rows cols) c h w -> (h rows) (cols w) c", rows=rows),
            ),
            Mistake(
                "columns interleaved",
                "Along the height all is well; along the width, columns of different pictures alternate: within that "
                "bracket the picture's own axis must be the fast one, on the right.",
                lambda images, rows: rearrange(images, "(rows cols) c h w -> (rows h) (w cols) c", rows=rows),
            ),
            Mistake(
                "pictures on their sides",
                "The grid is right, and every picture in it lies on its side: the rows of the album go with the height "
                "`h`, the columns with the width `w`.",
                lambda images, rows: rearrange(images, "(rows cols) c h w -> (rows w) (cols h) c", rows=rows),
            ),
            Mistake(
                "channels first",
                "The page is right, and its channels come first: (C, rows*H, cols*W). Plots want them last.",
                lambda images, rows: rearrange(images, "(rows cols) c h w -> c (rows h) (cols w)", rows=rows),
            ),
            Mistake(
                "reshape without permute",
                "The shape is right and the page is noise: `reshape` only cuts the same row of numbers into other "
                "lengths. Five axes have to change their order here, which a pattern does in one go.",
                scrambled,
            ),
            Mistake(
                "channels moved, then reshaped",
                "Moving the channels last was right, and the `reshape` after it lays the pictures' lines one after "
                "another: the axis of the columns has to come between the height and the width first.",
                half_scrambled,
            ),
            Mistake(
                "all in one row",
                "All pictures stand in one row: the batch has to be split into rows and columns first, with a bracket "
                "on the left side.",
                lambda images, rows: rearrange(images, "b c h w -> h (b w) c"),
            ),
            Mistake(
                "all in one column",
                "All pictures stand under one another: the batch has to be split into rows and columns first, with a "
                "bracket on the left side.",
                lambda images, rows: rearrange(images, "b c h w -> (b h) w c"),
            ),
            Mistake(
                "axes not joined",
                "The result has five axes: rows, columns, height, width and channels are in the right order, and still "
                "apart. Join them two by two with brackets on the right side.",
                lambda images, rows: rearrange(images, "(rows cols) c h w -> rows h cols w c", rows=rows),
            ),
        ),
        hints=(
            "The batch is a grid in disguise: split it first, with a bracket on the left side.",
            "Row by row means that the column changes fastest, so it is the right factor: `(rows cols)`. "
            "And the new height holds `rows` heights.",
            "Left side: `(rows cols) c h w`. The right side has three entries: a bracket for the height, a bracket for "
            "the width, then `c`. In each bracket the picture's own axis is the fast one. Do not forget `rows=rows`.",
        ),
    )


# ------------------------------------------------------------------------------------ parts 5 and 6: reduce, repeat


def _shape_reduced() -> Question:
    return Question(
        id="shape_reduced",
        title="Read a pattern: what reduce leaves",
        points=1,
        minutes=1,
        difficulty=2,
        answer=Shape(
            (10, 8, 48),
            {
                (10, 3, 8, 48): "`c` stands on the left only, so it is reduced too.",
                (10, 3, 32, 48): "That is the shape before: whatever stands on the left only is gone.",
                (10, 4, 48): "You kept the four lines of a group and reduced the groups: `four` is gone, `h` is kept, "
                "and h times four is 32.",
                (10, 32, 48): "The height is split on the left: 32 = h times four, and only `h` is kept.",
                (3, 4): "These are the axes that go away; which ones stay?",
            },
        ),
        hints=(
            "Which names stand on the left and not on the right? These are reduced.",
            "`c` and `four` are reduced. The rest stays: b, h, w.",
            "On the left the height is `(h four)`: 32 = h times 4.",
        ),
    )


def _average_pool() -> Exercise:
    def cases(generator: torch.Generator) -> list[Call]:
        draw = partial(torch.randn, generator=generator, dtype=torch.float64)
        return [
            Call((draw(2, 3, 4, 12), 2), group="squares"),
            Call((draw(3, 2, 9, 6), 3), group="squares"),
            Call((draw(1, 1, 3, 12), 3), group="a batch of one"),
            Call((draw(2, 3, 5, 7), 1), group="squares of one pixel"),
            Call((draw(2, 3, 8, 4).float(), 2), gradients=True, group="gradient"),
        ]

    return Exercise(
        id="average_pool",
        title="Average each small square",
        points=2,
        minutes=6,
        difficulty=2,
        cases=cases,
        reference=average_pool,
        mistakes=(
            Mistake(
                "one pixel of each square",
                "You take one pixel of each square and drop the others (as `[::k]` does): the size is right, and no "
                "average was taken. Every pixel of the square counts.",
                lambda images, k: images[:, :, ::k, ::k],
            ),
            Mistake(
                "maximum instead of mean",
                'This is max pooling: the brightest pixel of each square. The name of the reduction is "mean".',
                lambda images, k: reduce(images, "b c (h k1) (w k2) -> b c h w", "max", k1=k, k2=k),
            ),
            Mistake(
                "sum instead of mean",
                "Every value is k*k times too large: the pixels are added up and not divided by how many they are.",
                lambda images, k: reduce(images, "b c (h k1) (w k2) -> b c h w", "sum", k1=k, k2=k),
            ),
            Mistake(
                "pixels far apart averaged",
                "Each average is over pixels far apart: in `(k1 h)` the right factor `h` is the fast one, so the "
                "pixels of one group lie h lines apart. Neighbours must form a group: which factor should be "
                "the fast one?",
                lambda images, k: reduce(images, "b c (k1 h) (k2 w) -> b c h w", "mean", k1=k, k2=k),
            ),
            Mistake(
                "k squares instead of squares of k",
                "The result is k x k pixels, whatever the picture's size: you told einops how many squares there are. "
                "`k` is how many pixels a square has on a side; the number of squares follows.",
                lambda images, k: reduce(images, "b c (h k1) (w k2) -> b c h w", "mean", h=k, w=k),
            ),
            Mistake(
                "channels averaged too",
                "The colours are gone: `c` is missing on the right side, so red, green and blue were averaged as well.",
                lambda images, k: reduce(images, "b c (h k1) (w k2) -> b h w", "mean", k1=k, k2=k),
            ),
            Mistake(
                "height only",
                "You average along the height only: the pictures are flatter, and just as wide as before. Split the "
                "width in the same way.",
                lambda images, k: reduce(images, "b c (h k1) w -> b c h w", "mean", k1=k),
            ),
            Mistake(
                "width only",
                "You average along the width only: the pictures are narrower, and just as high as before. Split the "
                "height in the same way.",
                lambda images, k: reduce(images, "b c h (w k2) -> b c h w", "mean", k2=k),
            ),
            Mistake(
                "whole picture averaged",
                "One number per channel is left: the whole picture was averaged. Split height and width with brackets "
                "on the left, and keep the number of squares on the right.",
                lambda images, k: reduce(images, "b c h w -> b c", "mean"),
            ),
            Mistake(
                "squares that overlap",
                "Your squares overlap: the window moves on by one pixel, and should move on by k, so that each pixel "
                "is used once.",
                lambda images, k: F.avg_pool2d(images, k, stride=1),
            ),
            Mistake(
                "interpolated",
                "This is bilinear resizing, which looks at the middle of each square only; for k = 2 it happens to be "
                "the mean, for k = 3 it is not.",
                lambda images, k: F.interpolate(
                    images, size=(images.shape[2] // k, images.shape[3] // k), mode="bilinear", align_corners=False
                ),
            ),
            Mistake(
                "size left as it was",
                "The result is as large as the input: each square was averaged and then drawn k x k again. Keep one "
                "value per square.",
                lambda images, k: upsample(average_pool(images, k), k),
            ),
        ),
        hints=(
            "Cut the height into groups of k lines first: that is a bracket on the left side.",
            "Whatever stands on the left and not on the right is reduced: let the pixels within a square stand on "
            "the left only.",
            "Left side: `b c (h k1) (w k2)`. Give `k1=k, k2=k`; the right side keeps `b c h w`, and the reduction is "
            '"mean".',
        ),
    )


def _tile_or_enlarge() -> Question:
    return Question(
        id="tile_or_enlarge",
        title="Twice as wide, or twice side by side?",
        points=1,
        minutes=1,
        difficulty=2,
        answer=Choice(
            {"a": "c h (w twice)", "b": "c h (twice w)", "c": "either: both make the same picture"},
            "b",
            {
                "a": "In `(w twice)` the fast factor is the copy: every pixel stands twice in a row, so the picture is "
                "stretched.",
                "c": "Both are equally wide, but walk to the right: in one the copy changes at every step, in the "
                "other only after a whole line.",
            },
        ),
        hints=(
            "Walk along the new axis from the left and say which pixel comes second.",
            "The right factor is the fast one. For two whole pictures the pixel must change fast and the copy slowly.",
            "So the copy, `twice`, is the slow factor, on the left.",
        ),
    )


def _upsample() -> Exercise:
    def cases(generator: torch.Generator) -> list[Call]:
        draw = partial(torch.randn, generator=generator, dtype=torch.float64)
        return [
            Call((draw(2, 3, 3, 4), 2), group="squares"),
            Call((draw(3, 2, 2, 5), 3), group="squares"),
            Call((draw(1, 1, 4, 3), 2), group="a batch of one"),
            Call((draw(2, 3, 3, 2).float(), 2), gradients=True, group="gradient"),
        ]

    def scrambled(images: Tensor, k: int) -> Tensor:
        batch, channels, height, width = images.shape
        return images.repeat_interleave(k * k, dim=-1).reshape(batch, channels, height * k, width * k)

    return Exercise(
        id="upsample",
        title="Blow each pixel up to a square",
        points=1,
        minutes=4,
        difficulty=2,
        cases=cases,
        reference=upsample,
        mistakes=(
            Mistake(
                "tiled",
                "The whole picture stands there k x k times, like bathroom tiles: the copies are the slow factors. "
                "A pixel next to its own copy needs the copy as the fast factor, on the right.",
                lambda images, k: repeat(images, "b c h w -> b c (k1 h) (k2 w)", k1=k, k2=k),
            ),
            Mistake(
                "tiled along the height",
                "Along the width each pixel is k wide, as asked; along the height the picture stands k times under "
                "itself: look at the order in the first bracket.",
                lambda images, k: repeat(images, "b c h w -> b c (k1 h) (w k2)", k1=k, k2=k),
            ),
            Mistake(
                "tiled along the width",
                "Along the height each pixel is k high, as asked; along the width the picture stands k times beside "
                "itself: look at the order in the second bracket.",
                lambda images, k: repeat(images, "b c h w -> b c (h k1) (k2 w)", k1=k, k2=k),
            ),
            Mistake(
                "higher only",
                "The pictures are k times as high and as wide as before: repeat along the width as well.",
                lambda images, k: repeat(images, "b c h w -> b c (h k1) w", k1=k),
            ),
            Mistake(
                "wider only",
                "The pictures are k times as wide and as high as before: repeat along the height as well.",
                lambda images, k: repeat(images, "b c h w -> b c h (w k2)", k2=k),
            ),
            Mistake(
                "copies as axes of their own",
                "The copies are all there, as two axes of their own: join each with its side in a bracket.",
                lambda images, k: repeat(images, "b c h w -> b c h k1 w k2", k1=k, k2=k),
            ),
            Mistake(
                "smoothed",
                "You interpolate between pixels: each square should have one value, that of its pixel.",
                lambda images, k: F.interpolate(images, scale_factor=k, mode="bilinear", align_corners=False),
            ),
            Mistake(
                "copies in one line",
                "All k*k copies of a pixel stand in one line, and the reshape after it cuts that line up: the copies "
                "of a pixel have to go along both sides, k each.",
                scrambled,
            ),
        ),
        hints=(
            "It is the way back from average_pool, and the pattern runs the other way too.",
            "A name that stands on the right only is new: einops asks how long it is and repeats along it.",
            "Right side: `b c (h k1) (w k2)`, with `k1=k, k2=k`.",
        ),
    )


# ------------------------------------------------------------------------------------------------------ part 7: heads


def _shape_heads() -> Question:
    return Question(
        id="shape_heads",
        title="Tokens and heads",
        points=1,
        minutes=1,
        difficulty=1,
        answer=Shape(
            (2, 3, 50, 64),
            {
                (
                    2,
                    50,
                    3,
                    64,
                ): "The features are shared out as they should be; the heads stand before the tokens, though.",
                (2, 64, 50, 3): "Heads and features have changed places: 3 heads, each 192 / 3 features wide.",
                (2, 3, 50, 192): "The 192 features are shared out: each head gets a third of them.",
                (2, 50, 192): "That is the shape before: the last axis splits in two, heads and features of a head.",
            },
        ),
        hints=(
            "The last axis, 192 long, is split over 3 heads: how wide is a head?",
            "A head is 192 / 3 = 64 features wide, and every head holds all 50 tokens.",
            "In this order: batch, heads, tokens, features of a head.",
        ),
    )


def _split_heads() -> Exercise:
    def cases(generator: torch.Generator) -> list[Call]:
        draw = partial(torch.randn, generator=generator, dtype=torch.float64)
        return [
            Call((draw(2, 5, 6), 3), group="several heads"),
            Call((draw(3, 4, 8), 2), group="several heads"),
            Call((draw(1, 7, 12), 4), group="a batch of one"),
            Call((draw(3, 7, 4), 1), group="one head"),
            Call((draw(2, 3, 12).float(), 4), gradients=True, group="gradient"),
        ]

    return Exercise(
        id="split_heads",
        title="Deal each token's features out to heads",
        points=2,
        minutes=4,
        difficulty=2,
        cases=cases,
        reference=split_heads,
        mistakes=(
            Mistake(
                "heads interleaved",
                "Head 0 gets every `heads`-th feature: `(d h)` makes the head the fast factor. A head owns a block of "
                "features side by side, so the head is the slow one.",
                lambda x, heads: rearrange(x, "b n (d h) -> b h n d", h=heads),
            ),
            Mistake(
                "view without transpose",
                "The shape is right, and a head holds features of the wrong tokens: the axis of the heads has to move "
                "past that of the tokens, and `view` or `reshape` alone moves nothing.",
                lambda x, heads: x.reshape(x.shape[0], heads, x.shape[1], x.shape[2] // heads),
            ),
            Mistake(
                "heads behind the tokens",
                "The features are dealt out as they should be; the heads still stand behind the tokens. Attention runs "
                "over the last two axes, so these must be tokens and features.",
                lambda x, heads: rearrange(x, "b n (h d) -> b n h d", h=heads),
            ),
            Mistake(
                "width of a head taken for the number of heads",
                "`heads` became the width of a head: there are `heads` heads, each D / heads wide. Check which name "
                "gets `=heads`.",
                lambda x, heads: rearrange(x, "b n (h d) -> b h n d", d=heads),
            ),
            Mistake(
                "heads and features exchanged",
                "Heads and features have changed places: on the right the head comes second and the features last.",
                lambda x, heads: rearrange(x, "b n (h d) -> b d n h", h=heads),
            ),
            Mistake(
                "tokens last",
                "Each head is right and lies on its side: tokens before features, (N, d).",
                lambda x, heads: rearrange(x, "b n (h d) -> b h d n", h=heads),
            ),
            Mistake(
                "heads first",
                "The heads come before the batch; the batch always stays first.",
                lambda x, heads: rearrange(x, "b n (h d) -> h b n d", h=heads),
            ),
            Mistake(
                "heads joined with the batch",
                "Batch and heads are one axis: some code does that, and here they stay apart, (B, heads, N, d).",
                lambda x, heads: rearrange(x, "b n (h d) -> (b h) n d", h=heads),
            ),
            Mistake(
                "tokens split instead of features",
                "You dealt out the tokens: each head must see all tokens, and a part of the features of each.",
                lambda x, heads: rearrange(x, "b (h n) d -> b h n d", h=heads),
            ),
        ),
        hints=(
            "Which axis is split, and which of its two parts is the slow one?",
            "The features are split: the last axis becomes a bracket on the left, the head as the slow factor.",
            "Left side: `b n (h d)`, with `h=heads`. On the right each of the four names stands alone, "
            "the head second.",
        ),
    )


def _merge_heads() -> Exercise:
    def cases(generator: torch.Generator) -> list[Call]:
        draw = partial(torch.randn, generator=generator, dtype=torch.float64)
        return [
            Call((draw(2, 3, 5, 2),), group="several heads"),
            Call((draw(3, 2, 4, 4),), group="several heads"),
            Call((draw(1, 4, 7, 3),), group="a batch of one"),
            Call((draw(2, 1, 6, 4),), group="one head"),
            Call((draw(2, 4, 3, 5).float(),), gradients=True, group="gradient"),
        ]

    return Exercise(
        id="merge_heads",
        title="Put the heads together again",
        points=1,
        minutes=3,
        difficulty=1,
        cases=cases,
        reference=merge_heads,
        mistakes=(
            Mistake(
                "merged without transposing back",
                "The shape is right, and each token holds numbers of other tokens: before heads and features join, the "
                "heads have to move back behind the tokens; `reshape` alone does not move them.",
                lambda x: x.reshape(x.shape[0], x.shape[2], x.shape[1] * x.shape[3]),
            ),
            Mistake(
                "heads interleaved",
                "Each token's features are there, dealt like cards: first feature of every head, then the second of "
                "every head. `split_heads` made blocks, so here too the head is the slow factor.",
                lambda x: rearrange(x, "b h n d -> b n (d h)"),
            ),
            Mistake(
                "tokens joined instead of heads",
                "You joined tokens with features: one long row per head is left. The heads join with the features; "
                "tokens stay tokens.",
                lambda x: rearrange(x, "b h n d -> b h (n d)"),
            ),
            Mistake(
                "heads one after the other",
                "The heads follow one another along the sequence, so there are `heads` times as many tokens. A token's "
                "heads belong side by side, in its features.",
                lambda x: rearrange(x, "b h n d -> b (h n) d"),
            ),
            Mistake(
                "heads averaged",
                "You average over the heads, and what each of them found is lost: put them side by side.",
                lambda x: x.mean(dim=1),
            ),
            Mistake(
                "heads added up",
                "You add the heads up, and what each of them found is lost: put them side by side.",
                lambda x: x.sum(dim=1),
            ),
            Mistake(
                "heads not joined",
                "The heads moved back behind the tokens, and they are still an axis of their own: join them with the "
                "features.",
                lambda x: rearrange(x, "b h n d -> b n h d"),
            ),
        ),
        hints=(
            "Read your own pattern of split_heads from right to left.",
            "Two names join in a bracket at the end: which of them was the slow one?",
            "Left side: `b h n d`; the right side has three entries, and the last is a bracket of h and d.",
        ),
    )


# -------------------------------------------------------------------------------------------------- part 8: measure


def _predict_view() -> Experiment:
    return Experiment(
        id="predict_view",
        title="Three ways to put pictures in a row",
        question="All three give (C, H, B*W). Which of them give the same picture?",
        options={
            "a": "all three: the shape is the same, so the picture is",
            "b": "the two that name or move axes; reshape alone puts most values elsewhere",
            "c": "the two without einops",
            "d": "no two of them",
        },
        outcome="b",
        claims=(Claim("permute + reshape", "=", "einops"), Claim("reshape alone", "<", "einops")),
        published=(),
        unit="% of the values in their right place",
    )


def _when_reshape_alone() -> Question:
    return Question(
        id="when_reshape_alone",
        title="When is reshape alone enough?",
        points=1,
        minutes=1,
        difficulty=2,
        answer=Choice(
            {
                "a": "b c h w -> (b c) h w",
                "b": "b c h w -> b (h w) c",
                "c": "b c h w -> (c b) h w",
                "d": "b (c1 c2) h w -> b c2 c1 h w",
            },
            "a",
            {
                "b": "`c` moves from before the pixels to behind them: something must move, and reshape moves nothing.",
                "c": "`c` and `b` change places within the bracket: something must move, and reshape moves nothing.",
                "d": "`c1` and `c2` change places: something must move, and reshape moves nothing.",
            },
        ),
        hints=(
            "reshape keeps all numbers in their order in memory. Take the brackets away and compare the two sides.",
            "Without brackets, both sides must list the same names in the same order.",
            "Cross out the brackets: only one of the four reads `b c h w -> b c h w` then.",
        ),
    )
