"""What a homework pack may vary and the mathematics does not care about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

CHOICES = {
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
            value, choices = getattr(self, field.name), CHOICES[field.name]
            if value not in choices:
                expected = " or ".join(map(repr, choices))
                raise ValueError(f"The convention {field.name!r} must be {expected}, but it is {value!r}.")

    @classmethod
    def read(cls, said: Mapping[str, Any]) -> Conventions:
        """The conventions that a mapping says; those that it leaves out are the standard ones.

        Raises ValueError with a sentence for a name or a value that there is not.
        """
        if unknown := [name for name in said if name not in CHOICES]:
            raise ValueError(f"There is no convention {unknown[0]!r}: there are {', '.join(CHOICES)}.")
        return cls(**said)

    def differences(self) -> dict[str, Any]:
        """What is not as in the standard: field -> value. Empty for the standard itself; `read` undoes it."""
        return {name: value for name, value in asdict(self).items() if value != CHOICES[name][0]}

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
