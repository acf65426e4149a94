"""What a homework pack may vary and the mathematics does not care about."""

from dataclasses import dataclass, fields

_CHOICES = {
    "sequence": ("row-major", "column-major"),
    "patch": ("channel-first", "channel-last"),
    "class_token": ("first", "last"),
    "masked": (1, 0),
}
_SEQUENCE_AXES = {"row-major": "(h w)", "column-major": "(w h)"}
_SEQUENCE_WORDS = {"row-major": "row by row", "column-major": "column by column"}
_PATCH_AXES = {"channel-first": "(c p1 p2)", "channel-last": "(p1 p2 c)"}
_PATCH_WORDS = {
    "channel-first": "channel first: all of one channel's pixels, then the next channel's",
    "channel-last": "channel last: all channels of one pixel, then the next pixel's",
}


@dataclass(frozen=True)
class Conventions:
    """The choices that a definition of patches, tokens and masks has to make.

    sequence:     order of the patches over the grid, "row-major" or "column-major"
    patch:        order within one patch, "channel-first" (c p1 p2) or "channel-last" (p1 p2 c)
    class_token:  where the class token stands in the sequence, "first" or "last"
    masked:       the mask value that means masked, 1 or 0

    Raises ValueError for any other value.
    """

    sequence: str = "row-major"
    patch: str = "channel-first"
    class_token: str = "first"
    masked: int = 1

    def __post_init__(self):
        for field in fields(self):
            value, choices = getattr(self, field.name), _CHOICES[field.name]
            if value not in choices:
                expected = " or ".join(map(repr, choices))
                raise ValueError(f"The convention {field.name!r} must be {expected}, but it is {value!r}.")

    @property
    def pattern(self) -> str:
        """The einops pattern of patchify, "b c (h p1) (w p2) -> b (h w) (c p1 p2)" in the standard."""
        return f"b c (h p1) (w p2) -> b {_SEQUENCE_AXES[self.sequence]} {_PATCH_AXES[self.patch]}"

    @property
    def inverse_pattern(self) -> str:
        """The einops pattern of unpatchify."""
        pictures, patches = self.pattern.split(" -> ")
        return f"{patches} -> {pictures}"

    def words(self) -> dict[str, str]:
        """The names that a lesson's text may use in double braces, each with what stands there instead."""
        return {
            "pattern": self.pattern,
            "sequence_words": _SEQUENCE_WORDS[self.sequence],
            "patch_words": _PATCH_WORDS[self.patch],
            "class_token_words": self.class_token,
            "masked_value": str(int(self.masked)),
        }


STANDARD = Conventions()
