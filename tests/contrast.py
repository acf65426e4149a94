"""How far two colours stand apart: the contrast ratio of WCAG 2.2, from 1 to 21."""

TEXT = 4.5  # WCAG 1.4.3, AA, text of ordinary size
SHAPES = 3.0  # WCAG 1.4.11, AA, edges, bars, marks
# what lies behind an output: white, and the dark themes of JupyterLab (two layers), VS Code, Colab (new and old)
BACKGROUNDS = {
    "white": "#ffffff",
    "JupyterLab dark": "#111111",
    "JupyterLab dark, raised": "#212121",
    "VS Code dark": "#1e1e1e",
    "Colab dark": "#383838",
}


def rgb(colour: str) -> tuple[float, float, float]:
    """Red, green, blue between 0 and 1 of "#rrggbb"."""
    return tuple(int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))


def linear(value: float) -> float:
    """The amount of light of one sRGB value between 0 and 1 (IEC 61966-2-1)."""
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


def luminance(colour: str) -> float:
    """Relative luminance of "#rrggbb", 0 of black to 1 of white."""
    red, green, blue = map(linear, rgb(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two "#rrggbb" colours."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)
