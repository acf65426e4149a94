"""Exercises: random_masking, restore_masked, masked_loss."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

from helpers.exercises.definition import Exercise, Mistake
from helpers.exercises.judge import same_value
from helpers.models import mae
from helpers.models.conventions import Conventions
from helpers.runner import Call, Reply

MASK_DTYPES = (None, torch.bool, torch.int64)  # in which a student may hold a mask; None: the dtype of the tokens


def orders(batch: int, tokens: int, generator: torch.Generator, keep: int) -> Tensor:
    """Orders (batch, tokens), long, in which the usual mistakes show: none is its own inverse, none keeps in order."""
    rows: list[Tensor] = []
    while len(rows) < batch:
        order = torch.randperm(tokens, generator=generator)
        own_inverse = torch.equal(order[order], torch.arange(tokens))
        in_order = keep > 1 and torch.equal(order[:keep].sort().values, order[:keep])
        starts_at_home = sorted(order[:keep].tolist()) == list(range(keep))
        if not (own_inverse or in_order or starts_at_home or any(torch.equal(order, row) for row in rows)):
            rows.append(order)
    return torch.stack(rows)


def with_any_mask(position: int) -> Callable[[Call, Reply, Reply], str | None]:
    """Compares tuples whose value at `position` is a mask, right in any dtype: floats, whole numbers, truth values."""

    def compare(_: Call, expected: Reply, found: Reply) -> str | None:
        value, wanted = found.value, expected.value
        if type(wanted) is not tuple:
            return same_value(wanted, value)
        if type(value) in (tuple, list) and len(value) == len(wanted) and type(value[position]) is Tensor:
            value = [*value[:position], value[position].to(wanted[position].dtype), *value[position + 1 :]]
        return same_value(wanted, value)

    return compare


def in_every_dtype(answer: Callable[..., tuple], position: int) -> list[Callable[..., tuple]]:
    """A wrong answer that returns a mask, once for each dtype in which a student may hold it."""

    def in_dtype(dtype: torch.dtype | None) -> Callable[..., tuple]:
        def same_in_dtype(*args: Any) -> tuple:
            value = answer(*args)
            return (*value[:position], value[position].to(dtype or value[position].dtype), *value[position + 1 :])

        return same_in_dtype

    return [in_dtype(dtype) for dtype in MASK_DTYPES]


def _take(x: Tensor, ids: Tensor) -> Tensor:
    """The tokens of x (B, N, D) at ids (B, K): (B, K, D)."""
    return x.gather(1, ids[:, :, None].expand(-1, -1, x.shape[-1]))


def random_masking(conventions: Conventions) -> Exercise:
    """Keep some tokens, mask the others."""
    right = partial(mae.random_masking, conventions=conventions)
    one, zero = int(conventions.masked), 1 - int(conventions.masked)

    def cases(generator: torch.Generator) -> list[Call]:
        def call(batch: int, tokens: int, dim: int, keep: int, dtype: torch.dtype = torch.float64, **more) -> Call:
            x = torch.randn(batch, tokens, dim, generator=generator, dtype=torch.float64).to(dtype)
            return Call((x, keep, orders(batch, tokens, generator, keep)), **more)

        everything = torch.randn(2, 3, 2, generator=generator, dtype=torch.float64)
        return [
            call(2, 7, 3, 3, group="masking"),
            call(1, 5, 2, 4, group="masking"),
            call(3, 9, 4, 2, torch.float32, group="masking"),
            Call((everything, 3, torch.tensor([[1, 2, 0], [2, 0, 1]])), group="nothing masked"),
        ]

    def mask_of(x: Tensor, hidden: Tensor) -> Tensor:
        """A mask in the convention from a bool tensor that is True where a token is hidden."""
        return torch.where(hidden, one, zero).to(x.dtype)

    def inverted(x, keep, ids):
        kept, mask, restore = right(x, keep, ids)
        return kept, 1 - mask, restore

    def one_argsort(x, keep, ids):
        return _take(x, ids[:, :keep]), mask_of(x, ids >= keep), ids

    def ids_not_inverted(x, keep, ids):
        kept, mask, _ = right(x, keep, ids)
        return kept, mask, ids

    def mask_gathered_by_shuffle(x, keep, ids):
        kept, _, restore = right(x, keep, ids)
        return kept, mask_of(x, ids >= keep), restore

    def mask_in_drawn_order(x, keep, ids):
        kept, _, restore = right(x, keep, ids)
        return kept, mask_of(x, torch.arange(ids.shape[1]).expand(ids.shape) >= keep), restore

    def last_ones_kept(x, keep, ids):
        return right(x, keep, ids.flip(1))

    def masked_ones_returned(x, keep, ids):
        _, mask, restore = right(x, keep, ids)
        return _take(x, ids[:, keep:]), mask, restore

    def sorted_places(x, keep, ids):
        _, mask, restore = right(x, keep, ids)
        return _take(x, ids[:, :keep].sort(dim=1).values), mask, restore

    def one_order_for_all(x, keep, ids):
        return right(x, keep, ids[:1].expand(ids.shape))

    def kept_by_first_order(x, keep, ids):
        _, mask, restore = right(x, keep, ids)
        return x[:, ids[0, :keep]], mask, restore

    def first_places(x, keep, ids):
        _, mask, restore = right(x, keep, ids)
        return x[:, :keep], mask, restore

    def kept_by_restore(x, keep, ids):
        _, mask, restore = right(x, keep, ids)
        return _take(x, restore[:, :keep]), mask, restore

    def first_feature(x, keep, ids):
        _, mask, restore = right(x, keep, ids)
        return x.gather(1, ids[:, :keep, None]), mask, restore

    def zeros_in_place(x, keep, ids):
        _, mask, restore = right(x, keep, ids)
        hidden = mask == one
        return x.masked_fill(hidden[:, :, None], 0.0), mask, restore

    def keep_as_number_masked(x, keep, ids):
        return right(x, x.shape[1] - keep, ids)

    def one_too_many(x, keep, ids):
        kept, _, restore = right(x, keep, ids)
        return kept, mask_of(x, restore > keep), restore

    def all_shuffled(x, keep, ids):
        _, mask, restore = right(x, keep, ids)
        return _take(x, ids), mask, restore

    def ids_of_kept(x, keep, ids):
        kept, mask, restore = right(x, keep, ids)
        return kept, mask, restore[:, :keep]

    spelled = [
        (
            "mask inverted",
            f"Your mask is the wrong way round: {one} means masked, and you put {one} where a token is kept.",
            inverted,
        ),
        (
            "one argsort where two are needed",
            "You hand `ids_shuffle` on as `ids_restore`, and build the mask with it. It says which token is drawn "
            "k-th; to go back you need to know when each token was drawn, which is its inverse.",
            one_argsort,
        ),
        (
            "ids_restore is still the shuffle",
            "Kept tokens and mask are right, but `ids_restore` is `ids_shuffle` itself. Gathering with it shuffles "
            "once more; what undoes a shuffle is its inverse (lesson 02).",
            ids_not_inverted,
        ),
        (
            "mask unshuffled with the wrong indices",
            "The mask is taken through `ids_shuffle`; bringing it back to the original order takes `ids_restore`.",
            mask_gathered_by_shuffle,
        ),
        (
            "mask still in the order drawn",
            "Your mask is the same for every picture: first the kept, then the masked. That is the order in which "
            "tokens were drawn. The mask belongs to the picture, so it has to be in the original order.",
            mask_in_drawn_order,
        ),
        (
            "the last ones kept",
            "You keep the end of the drawn order. Asked for are the first `keep_length` of `ids_shuffle`.",
            last_ones_kept,
        ),
        (
            "the masked ones returned",
            "Mask and ids_restore are right, but what you return as kept are the tokens that were masked.",
            masked_ones_returned,
        ),
        (
            "kept in order of place",
            "You return the right tokens sorted by their place in the picture. Then `ids_restore` no longer fits them: "
            "kept tokens stay in the order drawn.",
            sorted_places,
        ),
        (
            "one order for all pictures",
            "The first picture's order is used for the whole batch. Every picture has a row of `ids_shuffle` of its "
            "own.",
            one_order_for_all,
        ),
        (
            "kept by the first picture's order",
            "Mask and ids_restore are right, but the tokens of all pictures are taken by the first picture's row. "
            "`x[:, ids]` cannot take another set for each picture; `gather` can.",
            kept_by_first_order,
        ),
        (
            "the first places kept",
            "You keep the first tokens of the picture, not the first of the drawn order: nothing is random then.",
            first_places,
        ),
        (
            "kept taken by ids_restore",
            "The kept tokens are taken with `ids_restore`, which is the way back. The way there is `ids_shuffle`.",
            kept_by_restore,
        ),
        (
            "only the first feature kept",
            "The tokens come out with a single feature: `gather` returns a result of the shape of its *index*. Repeat "
            "the index along the features first: (B, keep) -> (B, keep, D) with `expand`.",
            first_feature,
        ),
        (
            "masked tokens set to zero",
            "You return all N tokens, the masked ones as zeros. The encoder would still compute on every one of them: "
            "return only the kept ones, (B, keep_length, D).",
            zeros_in_place,
        ),
        (
            "as many masked as should be kept",
            "`keep_length` tokens are masked, and as many should be kept.",
            keep_as_number_masked,
        ),
        (
            "mask off by one",
            "One token too many counts as kept in your mask: places are counted from 0, so the first masked one is "
            "drawn as number `keep_length`.",
            one_too_many,
        ),
        (
            "nothing left out",
            "You return all N tokens, shuffled. Only the first `keep_length` go on.",
            all_shuffled,
        ),
        (
            "ids_restore cut short",
            "`ids_restore` has to cover all N places, (B, N): the decoder puts every token back, masked ones too.",
            ids_of_kept,
        ),
    ]
    return Exercise(
        id="random_masking",
        title="Keep a few tokens, mask the rest",
        points=4,
        minutes=12,
        difficulty=3,
        cases=cases,
        reference=right,
        mistakes=tuple(
            Mistake(name, message, wrong)
            for name, message, answer in spelled
            for wrong in in_every_dtype(answer, position=1)
        ),
        compare=with_any_mask(1),
        hints=(
            "Three things, one after the other. Which numbers of `ids_shuffle` are kept? How does one invert an order "
            "(lesson 02)? And what does the inverse say of a token: as which number was it drawn?",
            "`x.gather(1, index)` takes another set of tokens for each picture; its index needs the shape of what "
            "comes out, (B, keep, D). And `ids_restore` is the inverse of `ids_shuffle`, row by row: `argsort` gives "
            "it.",
            "ids_restore says when each token was drawn. So a token is masked where `ids_restore >= keep_length`, "
            f"already in the original order; the mask is {one} (or its truth value) there.",
        ),
    )


def restore_masked() -> Exercise:
    """Back into the original order."""

    def cases(generator: torch.Generator) -> list[Call]:
        def call(batch: int, keep: int, hidden: int, dim: int, dtype: torch.dtype = torch.float64, **more) -> Call:
            kept = torch.randn(batch, keep, dim, generator=generator, dtype=torch.float64).to(dtype)
            masked = torch.randn(batch, hidden, dim, generator=generator, dtype=torch.float64).to(dtype)
            shuffle = orders(batch, keep + hidden, generator, keep)
            return Call((kept, masked, shuffle.argsort(dim=1)), **more)

        return [
            call(2, 3, 4, 3, group="order"),
            call(1, 4, 2, 2, group="order"),
            call(3, 2, 5, 4, torch.float32, group="order"),
            call(2, 2, 3, 2, gradients=True, group="order"),
        ]

    def shuffled_again(kept, masked, ids):
        return _take(torch.cat([kept, masked], dim=1), ids.argsort(dim=1))

    def in_order_of_place(kept, masked, ids):
        hidden = ids >= kept.shape[1]
        result = kept.new_zeros(*ids.shape, kept.shape[-1])
        result[~hidden] = kept.flatten(0, 1)
        result[hidden] = masked.flatten(0, 1)
        return result

    return Exercise(
        id="restore_masked",
        title="Every token back to its place",
        points=2,
        minutes=7,
        difficulty=2,
        cases=cases,
        reference=mae.restore_masked,
        mistakes=(
            Mistake(
                "shuffled once more",
                "You gather with the inverse of `ids_restore` (or scatter with `ids_restore` itself), which shuffles "
                "again instead of undoing it. For each place ids_restore says where in the joined list its token is.",
                shuffled_again,
            ),
            Mistake(
                "masked before kept",
                "You join the masked tokens in front of the kept ones. In the order drawn the kept ones come first.",
                lambda kept, masked, ids: _take(torch.cat([masked, kept], dim=1), ids),
            ),
            Mistake(
                "joined and left",
                "You join the two and leave them in the order drawn: every token then gets another patch's position.",
                lambda kept, masked, ids: torch.cat([kept, masked], dim=1),
            ),
            Mistake(
                "one order for all pictures",
                "All pictures are put back by the first picture's row of `ids_restore`: each has its own.",
                lambda kept, masked, ids: torch.cat([kept, masked], dim=1)[:, ids[0]],
            ),
            Mistake(
                "kept tokens in order of place",
                "You fill the kept tokens in from left to right. They come in the order drawn, so the first one need "
                "not belong to the leftmost place: ids_restore says which one does.",
                in_order_of_place,
            ),
            Mistake(
                "one masked token for all",
                "The first of the masked tokens is repeated in every masked place. `masked` has one for each.",
                lambda kept, masked, ids: _take(
                    torch.cat([kept, masked[:, :1].expand(-1, masked.shape[1], -1)], dim=1), ids
                ),
            ),
            Mistake(
                "masked places left at zero",
                "The masked places hold zeros: `masked` is never used, so the decoder could not learn its mask token.",
                lambda kept, masked, ids: _take(torch.cat([kept, torch.zeros_like(masked)], dim=1), ids),
            ),
        ),
        hints=(
            "Put the two lists back together as they were drawn, kept first. What does `ids_restore[b, i]` then point "
            "at?",
            "`torch.cat` along the token axis gives all N tokens in the order drawn; `gather` along the same axis "
            "takes, for each place, the token that belongs there.",
            "The index of gather needs the shape of the result: `ids_restore[:, :, None].expand(-1, -1, D)`.",
        ),
    )


def masked_loss(conventions: Conventions) -> Exercise:
    """Mean squared error, where something was hidden."""
    right = partial(mae.masked_loss, conventions=conventions)

    def cases(generator: torch.Generator) -> list[Call]:
        def call(shape: Sequence[int], hidden: Sequence[int], dtype: torch.dtype = torch.float64, **more) -> Call:
            prediction = torch.randn(*shape, generator=generator, dtype=torch.float64).to(dtype)
            target = torch.randn(*shape, generator=generator, dtype=torch.float64).to(dtype)
            rows = [torch.randperm(shape[1], generator=generator) < count for count in hidden]
            mask = torch.stack(rows)  # (B, N), True where hidden
            mask = mask if conventions.masked == 1 else ~mask
            # whole numbers where gradients are asked for: no gradient by the mask is wanted
            return Call((prediction, target, mask.long() if more.get("gradients") else mask.to(dtype)), **more)

        return [
            call((2, 7, 4), (5, 5), group="values"),
            call((1, 5, 3), (2,), group="values"),
            call((3, 6, 8), (1, 4, 5), group="another number in each picture"),
            call((2, 4, 2), (3, 3), torch.float32, gradients=True, group="values"),
        ]

    def parts(prediction: Tensor, target: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Error of each patch (B, N), and 1.0 where it is masked."""
        weight = mask.to(prediction.dtype)
        return (prediction - target).square().mean(-1), weight if conventions.masked == 1 else 1 - weight

    def wrong(formula: Callable[[Tensor, Tensor, int], Tensor]) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
        return lambda prediction, target, mask: formula(*parts(prediction, target, mask), prediction.shape[-1])

    def absolute(prediction, target, mask):
        _, weight = parts(prediction, target, mask)
        return ((prediction - target).abs().mean(-1) * weight).sum() / weight.sum()

    def on_zeroed(prediction, target, mask):
        _, weight = parts(prediction, target, mask)
        return (prediction * weight[:, :, None] - target).square().mean()

    return Exercise(
        id="masked_loss",
        title="A loss where something was hidden",
        points=2,
        minutes=6,
        difficulty=1,
        cases=cases,
        reference=right,
        mistakes=(
            Mistake(
                "over all patches",
                "The loss runs over all patches. Copying what it sees is no achievement: count the masked ones only.",
                wrong(lambda error, weight, size: error.mean()),
            ),
            Mistake(
                "over the kept patches",
                "The loss runs over the patches that were kept, so the model learns to copy. Look at what the mask "
                f"means: {int(conventions.masked)} is masked.",
                wrong(lambda error, weight, size: (error * (1 - weight)).sum() / (1 - weight).sum()),
            ),
            Mistake(
                "divided by all patches",
                "Only masked patches are summed, and the sum is divided by the number of all patches (`.mean()`). "
                "Then the loss shrinks with the mask ratio: divide by the number of masked ones.",
                wrong(lambda error, weight, size: (error * weight).mean()),
            ),
            Mistake(
                "summed over the pixels",
                "Within a patch the squares are summed; the mean over its numbers was asked for.",
                wrong(lambda error, weight, size: size * (error * weight).sum() / weight.sum()),
            ),
            Mistake(
                "never divided",
                "The errors of the masked patches are summed and not averaged, so twice the batch is twice the loss.",
                wrong(lambda error, weight, size: (error * weight).sum()),
            ),
            Mistake(
                "averaged picture by picture",
                "You average within each picture first, then over pictures. Where pictures have different numbers of "
                "masked patches that is another mean: every masked patch of the batch counts alike.",
                wrong(lambda error, weight, size: ((error * weight).sum(1) / weight.sum(1)).mean()),
            ),
            Mistake(
                "one loss for each picture",
                "You return one number for each picture. A loss is one number for the batch.",
                wrong(lambda error, weight, size: (error * weight).sum(1) / weight.sum(1)),
            ),
            Mistake(
                "not reduced",
                "You return the error of every patch, (B, N). A loss is one number.",
                wrong(lambda error, weight, size: error * weight),
            ),
            Mistake(
                "absolute error",
                "You average absolute differences, and squares were asked for.",
                absolute,
            ),
            Mistake(
                "root of the mean square",
                "You take the root at the end: mean squared error has none.",
                wrong(lambda error, weight, size: ((error * weight).sum() / weight.sum()).sqrt()),
            ),
            Mistake(
                "prediction zeroed where nothing was hidden",
                "You set the prediction to zero in the kept places and compare it with the whole target there. A kept "
                "place has to drop out of the loss, whatever stands in it.",
                on_zeroed,
            ),
        ),
        hints=(
            "Two means, one after the other: within a patch over its numbers, then over the patches that were masked.",
            "After the first mean the errors have the shape of the mask, (B, N). Multiplying by a mask of ones and "
            "zeros leaves out what should not count.",
            "Sum what is left and divide by how many were masked, which is the sum of the ones that stand for masked.",
        ),
    )
