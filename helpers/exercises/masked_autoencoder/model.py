"""Exercise: MaskedAutoencoder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from helpers.exercises.definition import Exercise, Mistake
from helpers.exercises.drawing import weights
from helpers.exercises.masked_autoencoder.masking import in_every_dtype, orders, with_any_mask
from helpers.models.conventions import STANDARD, Conventions
from helpers.models.mae import MaskedAutoencoder, random_masking, restore_masked
from helpers.runner import Call

FAINT = 0.003  # tokens this small show what LayerNorm adds to the variance


def masked_autoencoder(conventions: Conventions) -> Exercise:
    """The whole model: an encoder on kept patches, a decoder on all of them."""
    # The patch embedding is given, and with it the order of the sequence.
    conventions = replace(STANDARD, class_token=conventions.class_token, masked=conventions.masked)
    words, other_end = ("first", "last") if conventions.class_token == "first" else ("last", "first")

    def cases(generator: torch.Generator) -> list[Call]:
        draw = partial(torch.randn, generator=generator, dtype=torch.float64)

        def encode(batch: int, build: tuple, dtype=torch.float64, faint: bool = False, **more) -> Call:
            model = MaskedAutoencoder(*build)
            state = weights(model, generator, dtype)
            if faint:
                small = ("cls_token", "pos_embed", "patch_embed.proj.", "attn.proj.", "mlp.fc2.")
                state = {name: FAINT * v if any(part in name for part in small) else v for name, v in state.items()}
            images = draw(batch, build[2], *model.image_size).to(dtype)
            shuffle = orders(batch, model.tokens, generator, min(model.keep_length, model.tokens - 1))
            return Call((images, shuffle), build=build, state=state, method="forward_encoder", group="encoder", **more)

        def decode(batch: int, build: tuple, dtype=torch.float64, faint: bool = False, **more) -> Call:
            model = MaskedAutoencoder(*build)
            state = weights(model, generator, dtype)
            if faint:
                small = ("mask_token", "decoder_pos_embed", "decoder_embed.", "attn.proj.", "mlp.fc2.")
                state = {name: FAINT * v if any(part in name for part in small) else v for name, v in state.items()}
            embeddings = draw(batch, 1 + model.keep_length, build[3]).to(dtype)
            restore = orders(batch, model.tokens, generator, model.keep_length).argsort(dim=1)
            return Call((embeddings, restore), build=build, state=state, method="forward_decoder", **more)

        # Encoder and decoder take turns: a wrong answer then differs from most known ones within two cases.
        return [
            encode(2, ((4, 6), 2, 3, 8, 1, 2, 4, 1, 2, 0.5)),
            decode(2, ((4, 6), 2, 3, 8, 1, 2, 4, 1, 2, 0.5), group="decoder"),
            encode(1, ((4, 8), 2, 1, 6, 2, 3, 4, 1, 1)),
            decode(1, ((4, 8), 2, 1, 6, 1, 3, 4, 2, 1), group="decoder"),
            encode(2, ((4, 6), 2, 1, 8, 1, 2, 4, 1, 2, 0.5), faint=True),
            decode(2, ((4, 6), 2, 1, 6, 1, 3, 8, 1, 2, 0.5), faint=True, group="decoder"),
            encode(2, (6, 2, 1, 4, 1, 2, 4, 1, 1, 0.25), torch.float32),
            decode(2, ((6, 4), 2, 1, 4, 1, 2, 4, 1, 2, 0.5), torch.float32, gradients=True, group="gradient"),
        ]

    # ------------------------------------------------------------------------------------- pieces of the encoder
    def embedded(m: MaskedAutoencoder, images: Tensor) -> Tensor:
        return m.patch_embed(images) + m._split(m.pos_embed)[1]

    def class_tokens(m: MaskedAutoencoder, x: Tensor) -> Tensor:
        return (m.cls_token + m._split(m.pos_embed)[0]).expand(len(x), -1, -1)

    def mask(m: MaskedAutoencoder, x: Tensor, ids: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return random_masking(x, m.keep_length, ids, conventions)

    def encode(m: MaskedAutoencoder, x: Tensor) -> Tensor:
        for block in m.blocks:
            x = block(x)
        return m.norm(x)

    def no_positions(m, images, ids):
        kept, hidden, restore = mask(m, m.patch_embed(images), ids)
        return encode(m, m._join(m.cls_token.expand(len(kept), -1, -1), kept)), hidden, restore

    def positions_after_masking(m, images, ids):
        kept, hidden, restore = mask(m, m.patch_embed(images), ids)
        positions = m._split(m.pos_embed)[1][:, : kept.shape[1]]
        return encode(m, m._join(class_tokens(m, kept), kept + positions)), hidden, restore

    def positions_off_by_one(m, images, ids):
        shifted = m.pos_embed[:, :-1] if conventions.class_token == "first" else m.pos_embed[:, 1:]
        kept, hidden, restore = mask(m, m.patch_embed(images) + shifted, ids)
        return encode(m, m._join(class_tokens(m, kept), kept)), hidden, restore

    def class_token_without_position(m, images, ids):
        kept, hidden, restore = mask(m, embedded(m, images), ids)
        return encode(m, m._join(m.cls_token.expand(len(kept), -1, -1), kept)), hidden, restore

    def class_token_drawn_too(m, images, ids):
        x = embedded(m, images)
        sequence = m._join(class_tokens(m, x), x)
        kept, hidden, restore = mask(m, sequence[:, : ids.shape[1]], ids)
        return encode(m, m._join(class_tokens(m, x), kept)), hidden, restore

    def no_class_token(m, images, ids):
        kept, hidden, restore = mask(m, embedded(m, images), ids)
        return encode(m, kept), hidden, restore

    def class_token_at_other_end(m, images, ids):
        kept, hidden, restore = mask(m, embedded(m, images), ids)
        tokens = [kept, class_tokens(m, kept)]
        return encode(m, torch.cat(tokens if conventions.class_token == "first" else tokens[::-1], 1)), hidden, restore

    def zeros_for_masked(m, images, ids):
        x = embedded(m, images)
        _, hidden, restore = mask(m, x, ids)
        x = x.masked_fill((hidden == int(conventions.masked))[:, :, None], 0.0)
        return encode(m, m._join(class_tokens(m, x), x)), hidden, restore

    def everything_encoded(m, images, ids):
        x = embedded(m, images)
        _, hidden, restore = mask(m, x, ids)
        return encode(m, m._join(class_tokens(m, x), x)), hidden, restore

    def masked_after_the_blocks(m, images, ids):
        x = embedded(m, images)
        one, patches = m._split(encode(m, m._join(class_tokens(m, x), x)))
        kept, hidden, restore = mask(m, patches, ids)
        return m._join(one, kept), hidden, restore

    def ratio_kept(m, images, ids):
        x = embedded(m, images)
        kept, hidden, restore = random_masking(x, int(m.tokens * m.mask_ratio), ids, conventions)
        return encode(m, m._join(class_tokens(m, kept), kept)), hidden, restore

    def rounded(m, images, ids):
        x = embedded(m, images)
        kept, hidden, restore = random_masking(x, round(m.tokens * (1 - m.mask_ratio)), ids, conventions)
        return encode(m, m._join(class_tokens(m, kept), kept)), hidden, restore

    def always_three_quarters(m, images, ids):
        x = embedded(m, images)
        kept, hidden, restore = random_masking(x, int(m.tokens * 0.25), ids, conventions)
        return encode(m, m._join(class_tokens(m, kept), kept)), hidden, restore

    def no_norm(m, images, ids):
        kept, hidden, restore = mask(m, embedded(m, images), ids)
        x = m._join(class_tokens(m, kept), kept)
        for block in m.blocks:
            x = block(x)
        return x, hidden, restore

    def faint_norm(m, images, ids):
        kept, hidden, restore = mask(m, embedded(m, images), ids)
        x = m._join(class_tokens(m, kept), kept)
        for block in m.blocks:
            x = block(x)
        return F.layer_norm(x, m.norm.normalized_shape, m.norm.weight, m.norm.bias, 1e-5), hidden, restore

    def inverted(m, images, ids):
        embeddings, hidden, restore = MaskedAutoencoder.forward_encoder(m, images, ids)
        return embeddings, 1 - hidden, restore

    # ------------------------------------------------------------------------------------- pieces of the decoder
    def tokens_of(m: MaskedAutoencoder, embeddings: Tensor) -> tuple[Tensor, Tensor]:
        return m._split(m.decoder_embed(embeddings))

    def masked(m: MaskedAutoencoder, kept: Tensor, ids: Tensor) -> Tensor:
        return m.mask_token.expand(len(kept), ids.shape[1] - kept.shape[1], -1)

    def decode(m: MaskedAutoencoder, x: Tensor) -> Tensor:
        for block in m.decoder_blocks:
            x = block(x)
        return m.decoder_pred(m.decoder_norm(x))

    def patches_of(m: MaskedAutoencoder, x: Tensor) -> Tensor:
        return m._split(x)[1]

    def restored(m, embeddings, ids):
        one, kept = tokens_of(m, embeddings)
        return m._join(one, restore_masked(kept, masked(m, kept, ids), ids))

    def decoder_without_positions(m, embeddings, ids):
        return patches_of(m, decode(m, restored(m, embeddings, ids)))

    def positions_for_mask_tokens_only(m, embeddings, ids):
        one, kept = tokens_of(m, embeddings)
        hidden = restore_masked(torch.zeros_like(kept), torch.ones_like(masked(m, kept, ids)), ids)
        patches = restore_masked(kept, masked(m, kept, ids), ids)
        return patches_of(m, decode(m, m._join(one, patches + hidden * patches_of(m, m.decoder_pos_embed))))

    def positions_before_restoring(m, embeddings, ids):
        one, kept = tokens_of(m, embeddings)
        one_position, positions = m._split(m.decoder_pos_embed)
        drawn = torch.cat([kept, masked(m, kept, ids)], dim=1) + positions
        count = kept.shape[1]
        return patches_of(
            m, decode(m, m._join(one + one_position, restore_masked(drawn[:, :count], drawn[:, count:], ids)))
        )

    def no_decoder_class_position(m, embeddings, ids):
        one, kept = tokens_of(m, embeddings)
        patches = restore_masked(kept, masked(m, kept, ids), ids) + patches_of(m, m.decoder_pos_embed)
        return patches_of(m, decode(m, m._join(one, patches)))

    def not_restored(m, embeddings, ids):
        one, kept = tokens_of(m, embeddings)
        x = m._join(one, torch.cat([kept, masked(m, kept, ids)], dim=1)) + m.decoder_pos_embed
        return patches_of(m, decode(m, x))

    def zeros_for_mask_tokens(m, embeddings, ids):
        one, kept = tokens_of(m, embeddings)
        x = restore_masked(kept, torch.zeros_like(masked(m, kept, ids)), ids)
        return patches_of(m, decode(m, m._join(one, x) + m.decoder_pos_embed))

    def class_token_restored_too(m, embeddings, ids):
        sequence = m.decoder_embed(embeddings)
        one, kept = m._split(sequence)
        patches = restore_masked(sequence, masked(m, kept, ids), ids)
        return patches_of(m, decode(m, m._join(one, patches) + m.decoder_pos_embed))

    def class_token_painted_too(m, embeddings, ids):
        return decode(m, restored(m, embeddings, ids) + m.decoder_pos_embed)

    def wrong_end_dropped(m, embeddings, ids):
        x = decode(m, restored(m, embeddings, ids) + m.decoder_pos_embed)
        return x[:, :-1] if conventions.class_token == "first" else x[:, 1:]

    def only_masked_painted(m, embeddings, ids):
        painted = patches_of(m, decode(m, restored(m, embeddings, ids) + m.decoder_pos_embed))
        shuffle = ids.argsort(dim=1)[:, embeddings.shape[1] - 1 :]
        return painted.gather(1, shuffle[:, :, None].expand(-1, -1, painted.shape[-1]))

    def no_decoder_norm(m, embeddings, ids):
        x = restored(m, embeddings, ids) + m.decoder_pos_embed
        for block in m.decoder_blocks:
            x = block(x)
        return patches_of(m, m.decoder_pred(x))

    def faint_decoder_norm(m, embeddings, ids):
        x = restored(m, embeddings, ids) + m.decoder_pos_embed
        for block in m.decoder_blocks:
            x = block(x)
        norm = m.decoder_norm
        return patches_of(m, m.decoder_pred(F.layer_norm(x, norm.normalized_shape, norm.weight, norm.bias, 1e-5)))

    def squashed(m, embeddings, ids):
        return patches_of(m, decode(m, restored(m, embeddings, ids) + m.decoder_pos_embed)).sigmoid()

    def no_decoder_blocks(m, embeddings, ids):
        x = restored(m, embeddings, ids) + m.decoder_pos_embed
        return patches_of(m, m.decoder_pred(m.decoder_norm(x)))

    encoder_mistakes = (
        (
            "masked tokens enter the encoder as zeros",
            "The encoder works on all N places, with zeros where a patch is masked: four times the cost, and half of "
            "what it sees does not exist in real pictures. Only class token and kept patches enter: (B, 1 + keep, D).",
            zeros_for_masked,
        ),
        (
            "nothing is left out",
            "Every patch enters the encoder, the masked ones too: it can read off what it is asked to guess. Go on "
            "with what `random_masking` kept.",
            everything_encoded,
        ),
        (
            "masked after the blocks",
            "You encode all patches and mask afterwards. By then attention has told the kept ones what the others look "
            "like, and nothing was saved: mask before the first block.",
            masked_after_the_blocks,
        ),
        (
            "no positions in the encoder",
            "`pos_embed` is never used, so a kept patch cannot say where it was.",
            no_positions,
        ),
        (
            "positions after masking",
            "You mask first and add the first rows of `pos_embed` to whatever is left. A patch takes its own position "
            "along: add positions while all patches still stand in order, then mask.",
            positions_after_masking,
        ),
        (
            "positions off by one",
            "Each patch gets its neighbour's position: one row of `pos_embed` is the class token's, and it stands "
            f"{words}.",
            positions_off_by_one,
        ),
        (
            "class token without its position",
            "The class token joins without its row of `pos_embed`. It has one, and published weights count on it.",
            class_token_without_position,
        ),
        (
            "no class token",
            "You return embeddings of the kept patches only. The class token goes through the encoder too: "
            "(B, 1 + keep, D).",
            no_class_token,
        ),
        (
            f"class token {other_end} in the encoder",
            f"Your class token stands {other_end} in the encoder's sequence, and {words} was asked for.",
            class_token_at_other_end,
        ),
        (
            "mask ratio taken for the share that is kept",
            "You keep N * mask_ratio patches: the ratio is the share that is *masked*.",
            ratio_kept,
        ),
        (
            "mask ratio always 0.75",
            "The number of kept patches ignores `mask_ratio`: keep it in `self` and use it.",
            always_three_quarters,
        ),
        (
            "kept patches rounded",
            "Where N * (1 - mask_ratio) is no whole number, round it down: `int(...)`, as the published code does.",
            rounded,
        ),
        (
            "no norm after the encoder",
            "The encoder's blocks are pre-norm, so what leaves them has never been normalised: `norm` comes last.",
            no_norm,
        ),
        (
            "norm with eps 1e-5",
            "`norm` uses PyTorch's default eps of 1e-5, and ViT and MAE use 1e-6.",
            faint_norm,
        ),
        (
            "mask inverted",
            f"The encoder hands back a mask the wrong way round: {int(conventions.masked)} means masked.",
            inverted,
        ),
    )
    if conventions.class_token == "first":  # a class token at the end leaves the patches' numbers as they are
        encoder_mistakes += (
            (
                "class token off by one in the mask",
                "The class token is joined before masking, so it takes part in the draw and every index means the "
                "patch beside the one it should. `ids_shuffle` numbers patches: mask patches only, then join.",
                class_token_drawn_too,
            ),
        )
    decoder_mistakes = (
        (
            "decoder without positions",
            "`decoder_pos_embed` is never added. All mask tokens are the same vector: without a position none of them "
            "knows which patch it should paint.",
            decoder_without_positions,
        ),
        (
            "positions for mask tokens only",
            "Only mask tokens get a decoder position. The kept ones have been through the encoder and a linear layer "
            "since they got theirs: all places get one here.",
            positions_for_mask_tokens_only,
        ),
        (
            "positions added in the order drawn",
            "You add `decoder_pos_embed` before the tokens are back in their places, so each gets another place's. "
            "Restore first, then add.",
            positions_before_restoring,
        ),
        (
            "decoder's class token without its position",
            "`decoder_pos_embed` has 1 + N rows; the class token's own is left out.",
            no_decoder_class_position,
        ),
        (
            "tokens not restored",
            "Kept and mask tokens stay in the order drawn, and get positions in the original one: use "
            "`restore_masked`.",
            not_restored,
        ),
        (
            "mask token not learned",
            "Zeros stand where the masked patches belong; `mask_token` is never used.",
            zeros_for_mask_tokens,
        ),
        (
            "class token off by one in restoring",
            "You restore the sequence with the class token still in it, so "
            f"{'every index' if words == 'first' else 'the index of every masked patch'} is off by one. Take the class "
            "token aside, restore the patches, join again.",
            class_token_restored_too,
        ),
        (
            "class token painted too",
            "You return 1 + N patches: the class token stands for none, so its row is dropped at the end.",
            class_token_painted_too,
        ),
        (
            "a patch dropped in place of the class token",
            f"The row you drop at the end is a patch's. The class token stands {words}.",
            wrong_end_dropped,
        ),
        (
            "only masked patches returned",
            "You return the masked patches only. Return all N in the original order: the loss chooses by itself.",
            only_masked_painted,
        ),
        (
            "no norm in the decoder",
            "`decoder_norm` is never used: it comes between the decoder's last block and `decoder_pred`.",
            no_decoder_norm,
        ),
        (
            "decoder norm with eps 1e-5",
            "`decoder_norm` uses PyTorch's default eps of 1e-5, and MAE uses 1e-6.",
            faint_decoder_norm,
        ),
        (
            "a sigmoid at the end",
            "The prediction goes through a sigmoid. The pictures are normalised, so their values leave 0 to 1: end "
            "with the linear layer.",
            squashed,
        ),
        (
            "no decoder blocks",
            "The tokens never pass through `decoder_blocks`, so no mask token ever sees a kept one.",
            no_decoder_blocks,
        ),
    )
    elsewhere = replace(conventions, class_token=other_end)
    at_other_end = f"The class token stands {words}, in `pos_embed` and in the decoder too; you put it {other_end}."
    whole_mistakes = (
        (f"class token {other_end}", at_other_end, elsewhere),
        (
            f"class token {other_end}, mask inverted",
            f"{at_other_end} And your mask is the wrong way round: {int(conventions.masked)} means masked.",
            replace(elsewhere, masked=1 - int(conventions.masked)),
        ),
    )
    return Exercise(
        id="MaskedAutoencoder",
        title="The masked autoencoder",
        points=6,
        minutes=25,
        difficulty=3,
        cases=cases,
        reference=partial(MaskedAutoencoder, conventions=conventions),
        mistakes=(
            *(
                Mistake(name, message, partial(_variant("forward_encoder", wrong), conventions=conventions))
                for name, message, forward in encoder_mistakes
                for wrong in in_every_dtype(forward, position=1)
            ),
            *(
                Mistake(name, message, partial(_variant("forward_decoder", forward), conventions=conventions))
                for name, message, forward in decoder_mistakes
            ),
            *(
                Mistake(name, message, partial(MaskedAutoencoder, conventions=wrong))
                for name, message, wrong in whole_mistakes
            ),
        ),
        needs=("random_masking", "restore_masked"),
        compare=with_any_mask(1),
        hints=(
            "Encoder: embed, positions for the patches, mask, class token with its own position, blocks, norm. "
            "Decoder: embed, put back in place, positions for everything, blocks, norm, predict, drop the class token.",
            "`pos_embed` has 1 + N rows. Add the patches' rows before masking, when every patch is still in its "
            "place; add the class token's own row to the class token.",
            f"In the decoder take the class token (it stands {words}) aside, make N - keep copies of `mask_token` with "
            "`expand`, call `restore_masked`, and join the class token again before adding `decoder_pos_embed`.",
        ),
    )


def _variant(method: str, forward: Callable) -> type[MaskedAutoencoder]:
    """The same model with one method replaced."""
    return type("MaskedAutoencoder", (MaskedAutoencoder,), {method: forward})
