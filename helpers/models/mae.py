"""The masked autoencoder (He et al., CVPR 2022), with the parameter names of its published code."""

from dataclasses import replace

import torch
from torch import Tensor, nn

from helpers.models.conventions import STANDARD, Conventions
from helpers.models.patches import check_fit, patchify
from helpers.models.vit import EncoderBlock, PatchEmbed, ViT


def random_masking(
    x: Tensor, keep_length: int, ids_shuffle: Tensor, conventions: Conventions = STANDARD
) -> tuple[Tensor, Tensor, Tensor]:
    """Keep the first `keep_length` tokens of each picture's own random order; the others are masked.

    x:            (B, N, D), floating point
    keep_length:  how many tokens of each picture are kept, 0 to N
    ids_shuffle:  (B, N), long: for each picture the order in which its tokens are drawn
    Returns kept (B, keep_length, D) in the order drawn; mask (B, N) in the original order, with the conventions' value
    (1 in the standard) where a token is masked; ids_restore (B, N), long: the inverse of ids_shuffle.
    MAE (He et al., 2022), section on the encoder: masking by shuffling.
    """
    ids_keep = ids_shuffle[:, :keep_length]  # (B, N) -> (B, keep)
    kept = x.gather(1, ids_keep[:, :, None].expand(-1, -1, x.shape[-1]))  # (B, N, D) -> (B, keep, D)
    ids_restore = ids_shuffle.argsort(dim=1)  # (B, N)
    masked = (ids_restore >= keep_length).to(x.dtype)  # (B, N): drawn too late to be kept
    return kept, masked if conventions.masked == 1 else 1 - masked, ids_restore


def restore_masked(kept: Tensor, masked: Tensor, ids_restore: Tensor) -> Tensor:
    """Put kept and masked tokens back into the original order.

    kept: (B, keep, D), in the order drawn; masked: (B, N - keep, D), what stands for the others
    ids_restore: (B, N), long, from random_masking
    Returns (B, N, D).
    """
    shuffled = torch.cat([kept, masked], dim=1)  # (B, N, D), in the order drawn
    return shuffled.gather(1, ids_restore[:, :, None].expand(-1, -1, shuffled.shape[-1]))  # (B, N, D)


def masked_loss(prediction: Tensor, target: Tensor, mask: Tensor, conventions: Conventions = STANDARD) -> Tensor:
    """Mean squared error of each patch, averaged over the masked patches of the batch: a scalar.

    prediction, target: (B, N, C*P*P); mask: (B, N), the conventions' value (1 in the standard) where a patch is masked
    The target is data: no gradient flows into it. NaN where no patch is masked.
    MAE (He et al., 2022), section on the reconstruction target.
    """
    error = (prediction - target.detach()).square().mean(dim=-1)  # (B, N, C*P*P) -> (B, N)
    weight = mask.to(error.dtype) if conventions.masked == 1 else 1 - mask.to(error.dtype)
    return (error * weight).sum() / weight.sum()


class MaskedAutoencoder(nn.Module):
    """An encoder that sees only the kept patches, and a small decoder that paints all of them.

    image_size:   (H, W) in pixels, or one number for a square picture
    patch_size:   side P of a patch in pixels; H and W are multiples of it
    channels:     C
    dim, depth, heads: width of a token, number of blocks, heads in each: the encoder, a ViT without head
    decoder_dim, decoder_depth, decoder_heads: the same for the decoder
    mask_ratio:   share of the patches that are masked, 0 to 1
    conventions:  order of the patch sequence, place of the class token, the mask value that means masked
    Raises ValueError where patches do not tile the picture, heads do not divide a width, or the ratio is no share.
    MAE (He et al., 2022).
    """

    def __init__(
        self,
        image_size: int | tuple[int, int],
        patch_size: int,
        channels: int,
        dim: int,
        depth: int,
        heads: int,
        decoder_dim: int,
        decoder_depth: int,
        decoder_heads: int,
        mask_ratio: float = 0.75,
        mlp_ratio: float = 4,
        conventions: Conventions = STANDARD,
    ):
        super().__init__()
        height, width = (image_size, image_size) if isinstance(image_size, int) else image_size
        check_fit((height, width), patch_size)
        if not 0 <= mask_ratio <= 1:
            raise ValueError(f"The mask ratio is a share of the patches, from 0 to 1, but it is {mask_ratio}.")
        self.image_size = (height, width)
        self.patch_size = patch_size
        self.grid = (height // patch_size, width // patch_size)
        self.mask_ratio = mask_ratio
        self.conventions = conventions
        tokens = self.grid[0] * self.grid[1]

        self.patch_embed = PatchEmbed(patch_size, channels, dim, conventions)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + tokens, dim))
        self.blocks = nn.ModuleList([EncoderBlock(dim, heads, mlp_ratio) for _ in range(depth)])
        self.norm = nn.LayerNorm(dim, eps=1e-6)

        self.decoder_embed = nn.Linear(dim, decoder_dim)
        self.mask_token = nn.Parameter(torch.zeros(1, 1, decoder_dim))
        self.decoder_pos_embed = nn.Parameter(torch.zeros(1, 1 + tokens, decoder_dim))
        self.decoder_blocks = nn.ModuleList(
            [EncoderBlock(decoder_dim, decoder_heads, mlp_ratio) for _ in range(decoder_depth)]
        )
        self.decoder_norm = nn.LayerNorm(decoder_dim, eps=1e-6)
        self.decoder_pred = nn.Linear(decoder_dim, channels * patch_size**2)
        self._draw_weights()

    @property
    def tokens(self) -> int:
        """N, the number of patches of a picture."""
        return self.grid[0] * self.grid[1]

    @property
    def keep_length(self) -> int:
        """How many patches of a picture are kept."""
        return int(self.tokens * (1 - self.mask_ratio))

    def forward(self, images: Tensor, ids_shuffle: Tensor) -> tuple[Tensor, Tensor]:
        """Predicted patches (B, N, C*P*P) and mask (B, N) of images (B, C, H, W), masked as ids_shuffle (B, N) says."""
        embeddings, mask, ids_restore = self.forward_encoder(images, ids_shuffle)
        return self.forward_decoder(embeddings, ids_restore), mask

    def forward_encoder(self, images: Tensor, ids_shuffle: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The class token and the kept patches through the encoder.

        images: (B, C, H, W); ids_shuffle: (B, N), long, the order in which the patches are drawn
        Returns embeddings (B, 1 + keep, D) after the last norm, mask (B, N) and ids_restore (B, N).
        """
        class_position, positions = self._split(self.pos_embed)  # (1, 1, D), (1, N, D)
        x = self.patch_embed(images) + positions  # (B, C, H, W) -> (B, N, D)
        kept, mask, ids_restore = random_masking(x, self.keep_length, ids_shuffle, self.conventions)
        class_tokens = (self.cls_token + class_position).expand(len(x), -1, -1)  # (1, 1, D) -> (B, 1, D)
        x = self._join(class_tokens, kept)  # (B, 1 + keep, D)
        for block in self.blocks:
            x = block(x)
        return self.norm(x), mask, ids_restore

    def forward_decoder(self, embeddings: Tensor, ids_restore: Tensor) -> Tensor:
        """All patches, painted from the kept ones.

        embeddings: (B, 1 + keep, D) from forward_encoder; ids_restore: (B, N), long
        Returns predicted patches (B, N, C*P*P), kept ones included, in the original order.
        """
        class_tokens, kept = self._split(self.decoder_embed(embeddings))  # (B, 1, E), (B, keep, E)
        hidden = ids_restore.shape[1] - kept.shape[1]
        masked = self.mask_token.expand(len(kept), hidden, -1)  # (1, 1, E) -> (B, N - keep, E)
        x = self._join(class_tokens, restore_masked(kept, masked, ids_restore))  # (B, 1 + N, E)
        x = x + self.decoder_pos_embed
        for block in self.decoder_blocks:
            x = block(x)
        x = self.decoder_pred(self.decoder_norm(x))  # (B, 1 + N, E) -> (B, 1 + N, C*P*P)
        return self._split(x)[1]  # (B, N, C*P*P)

    def _split(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Class token and patches of a sequence (B, 1 + N, ...): (B, 1, ...) and (B, N, ...)."""
        if self.conventions.class_token == "first":
            return x[:, :1], x[:, 1:]
        return x[:, -1:], x[:, :-1]

    def _join(self, class_tokens: Tensor, patches: Tensor) -> Tensor:
        """The opposite of _split."""
        first = self.conventions.class_token == "first"
        return torch.cat([class_tokens, patches] if first else [patches, class_tokens], dim=1)

    def _draw_weights(self) -> None:
        """As the published code does, unlike this course's ViT: linear layers by Xavier's rule, tokens of size 0.02."""
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)
        nn.init.xavier_uniform_(self.patch_embed.proj.weight.data.flatten(1))
        for parameter in (self.cls_token, self.pos_embed, self.mask_token, self.decoder_pos_embed):
            nn.init.normal_(parameter, std=0.02)


class MaskTokensInEncoder(MaskedAutoencoder):
    """A masked autoencoder as BERT would be one: mask tokens stand for the hidden patches in the encoder already.

    Table 1c of MAE (He et al., 2022) compares the two. Same arguments; one more parameter, `encoder_mask_token`.
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.encoder_mask_token = nn.Parameter(0.02 * torch.randn_like(self.cls_token))  # (1, 1, D)

    def forward_encoder(self, images: Tensor, ids_shuffle: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """As in a masked autoencoder, but with a token in every place: embeddings (B, 1 + N, D)."""
        x = self.patch_embed(images)  # (B, C, H, W) -> (B, N, D)
        kept, mask, ids_restore = random_masking(x, self.keep_length, ids_shuffle, self.conventions)
        hidden = self.encoder_mask_token.expand(len(x), self.tokens - self.keep_length, -1)  # (B, N - keep, D)
        class_tokens = self.cls_token.expand(len(x), -1, -1)  # (1, 1, D) -> (B, 1, D)
        x = self._join(class_tokens, restore_masked(kept, hidden, ids_restore)) + self.pos_embed  # (B, 1 + N, D)
        for block in self.blocks:
            x = block(x)
        return self.norm(x), mask, ids_restore

    def forward_decoder(self, embeddings: Tensor, ids_restore: Tensor) -> Tensor:
        """Predicted patches (B, N, C*P*P): all tokens are there and in place, so nothing has to be restored."""
        x = self.decoder_embed(embeddings) + self.decoder_pos_embed  # (B, 1 + N, E)
        for block in self.decoder_blocks:
            x = block(x)
        return self._split(self.decoder_pred(self.decoder_norm(x)))[1]  # (B, N, C*P*P)


def random_order(images: int, tokens: int, device: torch.device | str = "cpu") -> Tensor:
    """A random order of the tokens for each picture: (images, tokens), long, from the global random numbers."""
    return torch.rand(images, tokens, device=device).argsort(dim=1)


def pretraining_loss(model: MaskedAutoencoder, images: Tensor, labels: Tensor | None = None) -> Tensor:
    """What pre-training makes small, for `helpers.train.fit`: masked_loss of a batch under new random masks, a scalar.

    images: (B, C, H, W); labels are not looked at.
    """
    order = random_order(len(images), model.tokens, images.device)
    prediction, mask = model(images, order)
    # Painted patches are channel-first whatever a homework asks of patchify: their order is decoder_pred's own.
    target = patchify(images, model.patch_size, replace(model.conventions, patch="channel-first"))
    return masked_loss(prediction, target, mask, model.conventions)


def encoder_of(model: MaskedAutoencoder, num_classes: int = 10) -> ViT:
    """The pre-trained encoder as a ViT classifier with a new head: it reads all patches, nothing is masked any more."""
    channels, dim = model.patch_embed.proj.in_channels, model.pos_embed.shape[-1]
    heads, hidden = model.blocks[0].attn.heads, model.blocks[0].mlp.fc1.out_features
    sizes = (channels, num_classes, dim, len(model.blocks), heads, hidden / dim, model.conventions)
    vit = ViT(model.image_size, model.patch_size, *sizes)
    vit.load_state_dict(model.state_dict(), strict=False)  # the same names; the decoder is left behind
    return vit
