"""Lesson 02: right answers in several independent spellings."""

import itertools

import numpy as np
import torch

# ------------------------------------------------------------------------------------------------- inverse_permutation


def inverse_by_loop(order):
    inverse = [0] * len(order)
    for place, element in enumerate(order.tolist()):
        inverse[element] = place
    return torch.tensor(inverse)


def inverse_by_scatter(order):
    return torch.empty_like(order).scatter_(0, order, torch.arange(len(order)))


def inverse_by_matrix(order):
    shuffle = torch.nn.functional.one_hot(order, len(order))  # row k picks element order[k]
    return shuffle.T @ torch.arange(len(order))


def inverse_by_search(order):
    return torch.stack([(order == element).nonzero()[0, 0] for element in range(len(order))])


# ---------------------------------------------------------------------------------------------------------- scan_order


def scan_by_loops(rows, cols, kind):
    """Plain loops; the spiral by its four borders, the Hilbert curve by turning bits (Wikipedia's d2xy)."""
    walk = []
    if kind == "raster":
        for row in range(rows):
            for col in range(cols):
                walk.append((row, col))
    elif kind == "column":
        for col in range(cols):
            for row in range(rows):
                walk.append((row, col))
    elif kind == "snake":
        for row in range(rows):
            columns = list(range(cols))
            if row % 2 == 1:
                columns.reverse()
            walk.extend((row, col) for col in columns)
    elif kind == "spiral":
        top, bottom, left, right = 0, rows - 1, 0, cols - 1
        while top <= bottom and left <= right:
            walk.extend((top, col) for col in range(left, right + 1))
            walk.extend((row, right) for row in range(top + 1, bottom + 1))
            if top < bottom and left < right:
                walk.extend((bottom, col) for col in range(right - 1, left - 1, -1))
                walk.extend((row, left) for row in range(bottom - 1, top, -1))
            top, bottom, left, right = top + 1, bottom - 1, left + 1, right - 1
    elif kind == "hilbert":
        side = 1
        while side < max(rows, cols):
            side *= 2
        for step in range(side * side):
            col, row = _hilbert_cell(side, step)
            if row < rows and col < cols:
                walk.append((row, col))
    else:
        raise ValueError(f"unknown kind {kind!r}")
    return torch.tensor([row * cols + col for row, col in walk])


def _hilbert_cell(side, step):
    """(x, y) of a step of the Hilbert curve that ends at (side - 1, 0)."""
    x = y = 0
    s = 1
    while s < side:
        right = 1 & (step // 2)
        up = 1 & (step ^ right)
        if up == 0:
            if right == 1:
                x, y = s - 1 - x, s - 1 - y
            x, y = y, x
        x, y = x + s * right, y + s * up
        step //= 4
        s *= 2
    return x, y


def scan_by_tensors(rows, cols, kind):
    """Transposes, flips and rotations of the grid of numbers."""
    if kind not in ("raster", "column", "snake", "spiral", "hilbert"):
        raise ValueError(kind)
    grid = torch.arange(rows * cols).reshape(rows, cols)
    if kind == "raster":
        return grid.flatten()
    if kind == "column":
        return grid.T.flatten()
    if kind == "snake":
        grid = grid.clone()
        grid[1::2] = grid[1::2].flip(1)
        return grid.flatten()
    if kind == "spiral":
        walked = []
        while grid.numel():
            walked.append(grid[0])
            grid = torch.rot90(grid[1:])
        return torch.cat(walked)
    side = 2 ** max(0, (max(rows, cols) - 1).bit_length())
    numbers = torch.full((side, side), -1)
    numbers[:rows, :cols] = grid
    curve = torch.zeros(1, 2, dtype=torch.long)
    half = 1
    while half < side:
        down, across = torch.tensor([half, 0]), torch.tensor([0, half])
        last = torch.tensor([half - 1, 2 * half - 1]) - curve.flip(1)
        curve = torch.cat([curve.flip(1), curve + down, curve + down + across, last])
        half *= 2
    found = numbers[curve[:, 0], curve[:, 1]]
    return found[found >= 0]


def scan_by_steps(rows, cols, kind):
    """A turtle for the spiral, an L-system for the Hilbert curve, sorting keys for the rest."""
    if kind not in {"raster", "column", "snake", "spiral", "hilbert"}:
        raise ValueError(f"no such scan: {kind}")
    cells = list(itertools.product(range(rows), range(cols)))
    keys = {
        "raster": lambda cell: cell,
        "column": lambda cell: (cell[1], cell[0]),
        "snake": lambda cell: (cell[0], cell[1] * (-1) ** cell[0]),
    }
    if kind in keys:
        walk = sorted(cells, key=keys[kind])
    elif kind == "spiral":
        todo, cell, heading, walk = set(cells), (0, 0), (0, 1), []
        while True:
            walk.append(cell)
            todo.discard(cell)
            if not todo:
                break
            ahead = (cell[0] + heading[0], cell[1] + heading[1])
            if ahead not in todo:
                heading = (heading[1], -heading[0])
                ahead = (cell[0] + heading[0], cell[1] + heading[1])
            cell = ahead
    else:
        level = max(0, (max(rows, cols) - 1).bit_length())
        rules, system = {"A": "+BF-AFA-FB+", "B": "-AF+BFB+FA-"}, "A"
        for _ in range(level):
            system = "".join(rules.get(letter, letter) for letter in system)
        x, y, dx, dy, square = 0, 0, 1, 0, [(0, 0)]
        for letter in system:
            if letter == "+":
                dx, dy = -dy, dx
            elif letter == "-":
                dx, dy = dy, -dx
            elif letter == "F":
                x, y = x + dx, y + dy
                square.append((y, x))
        walk = [(row, col) for row, col in square if row < rows and col < cols]
    return torch.as_tensor(np.ravel_multi_index(np.array(walk).T, (rows, cols)))


# ----------------------------------------------------------------------------------------------------- permutation_gap


def gap_by_loops(encoder, tokens, order):
    shuffled = encoder(torch.stack([tokens[:, place] for place in order.tolist()], dim=1))
    straight = encoder(tokens)
    worst = 0.0
    for k, place in enumerate(order.tolist()):
        worst = max(worst, float((shuffled[:, k] - straight[:, place]).abs().max()))
    return worst


def gap_by_going_back(encoder, tokens, order):
    back = torch.argsort(order)
    with torch.no_grad():
        return torch.linalg.vector_norm(encoder(tokens[:, order])[:, back] - encoder(tokens), float("inf"))


def gap_by_matrix(encoder, tokens, order):
    shuffle = torch.eye(len(order), dtype=tokens.dtype)[order]
    first = encoder(torch.einsum("kn,bnd->bkd", shuffle, tokens))
    second = torch.einsum("kn,bnd->bkd", shuffle, encoder(tokens))
    return torch.max(torch.abs(first - second)).item()


CORRECT = {
    "inverse_permutation": {
        "argsort": lambda order: order.argsort(),
        "loop": inverse_by_loop,
        "scatter": inverse_by_scatter,
        "one-hot matrix": inverse_by_matrix,
        "search": inverse_by_search,
    },
    "scan_order": {"loops": scan_by_loops, "tensors": scan_by_tensors, "turtle": scan_by_steps},
    "permutation_gap": {
        "loops": gap_by_loops,
        "inverse on the shuffled side, a tensor": gap_by_going_back,
        "permutation matrix": gap_by_matrix,
        "index_select": lambda encoder, tokens, order: float(
            (encoder(tokens.index_select(1, order)) - encoder(tokens).index_select(1, order)).abs().amax()
        ),
    },
    "reads_order": {"plain": "b", "upper": "B", "spaces": " b "},
    "permuted_scores": {"plain": "c", "upper": "C", "spaces": " c "},
    "permuted_attention": {"plain": "b", "upper": "B", "spaces": " b "},
    "tokens_that_mix": {"plain": "d", "upper": "D", "spaces": " d "},
    "class_token_reads": {"plain": "b", "upper": "B", "spaces": " b "},
    "positions_left_behind": {"plain": "b", "upper": "B", "spaces": " b "},
    "twin_start": {"plain": "b", "upper": "B", "spaces": " b "},
    "no_positions_sees": {"plain": "b", "upper": "B", "spaces": " b "},
    "which_attention_minds": {"plain": "d", "upper": "D", "spaces": " d "},
}
