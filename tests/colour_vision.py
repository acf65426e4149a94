"""Colours as people with a colour vision deficiency see them, and how far apart two colours look.

Machado, Oliveira and Fernandes (2009), "A Physiologically-based Model for Simulation of Color Vision Deficiency", IEEE
Transactions on Visualization and Computer Graphics 15(6): matrices of full severity, on linear RGB.
"""

import numpy as np
from contrast import linear, rgb

MATRICES = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
# linear sRGB to CIE XYZ under D65 (IEC 61966-2-1), and the white it calls white
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
WHITE = TO_XYZ.sum(axis=1)


def lab(colour, vision: str = "normal") -> np.ndarray:
    """CIELAB coordinates (lightness, green-red, blue-yellow) of a colour as a kind of vision sees it.

    colour: "#rrggbb", or red, green, blue between 0 and 1; vision: a key of MATRICES
    """
    light = np.array([linear(value) for value in (rgb(colour) if isinstance(colour, str) else colour)])
    x, y, z = TO_XYZ @ (MATRICES[vision] @ light).clip(0, 1) / WHITE
    fx, fy, fz = (t ** (1 / 3) if t > 216 / 24389 else (24389 / 27 * t + 16) / 116 for t in (x, y, z))
    return np.array([116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)])


def distance(one, other, vision: str = "normal") -> float:
    """CIE 1976 distance of two colours; about 2.3 is the least that an eye tells apart side by side."""
    return float(np.linalg.norm(lab(one, vision) - lab(other, vision)))
