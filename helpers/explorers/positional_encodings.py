"""Lesson 05: point at a place of the grid and see which other places look alike to the model."""

import torch
import traitlets

from helpers.explorers.base import HERE, Explorer, browser_module, float32_bytes
from helpers.explorers.vit_views import class_token_place, grid_of, patch_cells

WIDEST = 128  # entries of a code that the sliders offer
LARGEST = 24  # rows and columns that the sliders offer


class PositionalEncodingsExplorer(Explorer):
    """The widget: positional_encodings.js makes all codes in the browser; only the learned table comes from here."""

    _esm = browser_module("positional_encodings")
    _css = Explorer._css + (HERE / "positional_encodings.css").read_text(encoding="utf-8")
    about = "an explorer of positional encodings"

    learned = traitlets.Bytes().tag(sync=True)  # float32 (rows*cols, dim), row by row
    grid = traitlets.List(traitlets.Int()).tag(sync=True)  # rows and columns of the learned table
    dim = traitlets.Int().tag(sync=True)  # width of the learned table
    widest = traitlets.Int(WIDEST).tag(sync=True)
    largest = traitlets.Int(LARGEST).tag(sync=True)


@torch.no_grad()
def explore(model) -> PositionalEncodingsExplorer:
    """Sine waves in one and two dimensions, turns, and the table that a model learned, on any grid.

    model: a ViT with the course's parameter names, any size of picture and patch
    Returns the widget. Raises ValueError where the model's table does not fit its grid.
    ViT (Dosovitskiy et al., 2021), figure 7 center, shows such maps.
    """
    rows, cols = grid_of(model)
    table = model.pos_embed.detach().cpu()[0]  # (1+N, D)
    if len(table) != 1 + rows * cols:
        raise ValueError(
            f"The model's pictures have {rows}x{cols} patches, so its table has {1 + rows * cols} rows with a class "
            f"token, but it has {len(table)}. Pass a ViT with its own pos_embed."
        )
    place = class_token_place(model, len(table))
    patches = torch.cat([table[:place], table[place + 1 :]])  # (N, D), in the order of the model's sequence
    return PositionalEncodingsExplorer(
        learned=float32_bytes(patches[patch_cells(model).argsort()]), grid=[rows, cols], dim=table.shape[1]
    )
