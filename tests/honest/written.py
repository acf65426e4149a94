"""Written answers in the spellings that people use."""

GROUP = "ways to say it"

_SAID = {
    "tokens_b16": [
        "196",
        "196.0",
        "'196'",
        "'196 tokens'",
        "'196tokens'",
        "14 * 14",
        "(224 // 16) ** 2",
        "'1.96e2'",
        "int('196')",
    ],
    "parameters_b16": [
        "86_567_656",
        "'86,567,656'",
        "'86567656 parameters'",
        "'86.567656 M'",
        "'86.567656 million parameters'",
    ],
    "shape_patches": [
        "(8, 196, 768)",
        "[8, 196, 768]",
        "8, 196, 768",
        "tuple([8, 14 * 14, 3 * 16**2])",
        "torch.zeros(8, 196, 768).shape",
    ],
    "why_scale": ["'b'", "'B'", "' b '", '"""b"""', "chr(98)"],
    "growth_in_tokens": [
        *("'N**2*D'", "'N^2 D'", "'O(N^2 D)'", "'O(N² · D)'", "'Θ(N²D)'", "'D N N'", "'2 * N**2 * D + N'", "'N×N×D'"),
        *("'4N²D'", "'(N*N)*D'", "'D/1 * N ** 2'", r"'\\mathcal{O}(N^2 D)'", "'0.5 N^2 D'"),
    ],
    "growth_in_pixels": ["'H**2*W**2*D/P**4'", "'O((H W / P^2)^2 D)'", "'H² W² D / P⁴'", "'(H*W/P**2)**2*D'"],
    "published_gflops": ["'a'"],
    "share_b16": ["11.06", "'11.06 %'", "'11.06%'", "'11.06 percent'"],
}
CELLS = {
    f"{name} = {said}": (name, f"import torch\n{name} = {said}\n") for name, ways in _SAID.items() for said in ways
}
