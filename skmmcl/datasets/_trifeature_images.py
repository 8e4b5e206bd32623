"""Drawings of a textured, colored shape on gray: the images of Trifeature, from formulas."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

SHAPE_SIDE = 128 / 224  # of the box around a shape, relative to the image
PERIOD = 10 / 224  # of a texture, relative to the image
SMALLEST_PERIOD = 4.0  # pixels: finer textures would be lost
GREY = 0.5
CHUNK = 2**22  # pixels drawn at a time

COLORS = {
    "red": (1.0, 0.0, 0.0),
    "green": (0.0, 0.6, 0.0),
    "blue": (0.0, 0.0, 1.0),
    "yellow": (1.0, 1.0, 0.0),
    "pink": (1.0, 0.4, 0.7),
    "cyan": (0.0, 1.0, 1.0),
    "purple": (0.5, 0.0, 0.5),
    "ocean": (0.0, 0.5, 0.5),
    "orange": (1.0, 0.5, 0.0),
    "white": (1.0, 1.0, 1.0),
}


def regular(n_corners: int, radii: Sequence[float] = (1.0,), turn: float = 0.0) -> np.ndarray:
    """Return corners of a regular polygon, or of a star with several radii."""
    angle = np.pi / 2 + turn + 2 * np.pi * np.arange(n_corners) / n_corners
    radius = np.resize(radii, n_corners)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1)


def box(x0: float, x1: float, y0: float, y1: float) -> np.ndarray:
    """Return corners of a rectangle."""
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], dtype=float)


# Polygons whose union is the shape, with y upwards. They lie within the unit circle, so that they
# stay in the image however they are turned.
SHAPES = {
    "triangle": [regular(3)],
    "square": [box(-0.7, 0.7, -0.7, 0.7)],
    "plus": [box(-0.3, 0.3, -0.95, 0.95), box(-0.95, 0.95, -0.3, 0.3)],
    "circle": [regular(48, radii=(0.9,))],
    "tee": [box(-0.25, 0.25, -0.95, 0.6), box(-0.8, 0.8, 0.1, 0.6)],
    "rhombus": [np.array([[0, 1], [-0.6, 0], [0, -1], [0.6, 0]])],
    "pentagon": [regular(5)],
    "star": [regular(10, radii=(1.0, 0.45))],
    "fivesquare": [
        box(x - 0.22, x + 0.22, y - 0.22, y + 0.22)
        for x, y in ((0, 0), (-0.48, -0.48), (-0.48, 0.48), (0.48, -0.48), (0.48, 0.48))
    ],
    "trapezoid": [np.array([[-0.8, -0.6], [0.8, -0.6], [0.4, 0.6], [-0.4, 0.6]])],
}


def _wave(t: np.ndarray) -> np.ndarray:
    return 0.5 + 0.5 * np.cos(2 * np.pi * t)


def _cell(t: np.ndarray) -> np.ndarray:
    """Return the place within a period, in [-0.5, 0.5)."""
    return t - np.floor(t) - 0.5


def _soft(distance: np.ndarray) -> np.ndarray:
    """Return 1 inside (distance below 0), 0 outside, with an edge a quarter of a period wide."""
    return np.clip(0.5 - 4 * distance, 0, 1)


def _pluses(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    a, b = np.abs(_cell(u / 2)), np.abs(_cell(v / 2))
    return _soft(2 * np.maximum(np.maximum(a, b) - 0.35, np.minimum(a, b) - 0.12))


def _rain(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    shift = 0.5 * (np.floor(u) % 2)
    return _soft(np.hypot(_cell(u) * 1.2, 0.6 * 2 * _cell(v / 2 + shift)) - 0.3)


# Brightness in [0, 1] at places measured in periods.
TEXTURES: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "solid": lambda u, _v: np.ones_like(u),
    "stripes": lambda u, _v: _wave(u),
    "checks": lambda u, v: 0.5 + 0.5 * np.clip(3 * np.sin(np.pi * u) * np.sin(np.pi * v), -1, 1),
    "grid": lambda u, v: np.maximum(_wave(u / 1.5), _wave(v / 1.5)) ** 2,
    "hexgrid": lambda u, v: np.clip(
        (3 - sum(np.cos(2 * np.pi * w / 1.5) for w in _three_ways(u, v))) / 4.5, 0, 1
    ),
    "dots": lambda u, v: _soft(np.hypot(_cell(u / 1.2), _cell(v / 1.2)) - 0.28),
    "triangles": lambda u, v: _soft(2 * (np.abs(_cell(u / 2)) - 0.5 * (_cell(v / 2) + 0.5))),
    "zigzags": lambda u, v: _wave(v + 2 * np.abs(_cell(u / 2))),
    "rain": _rain,
    "pluses": _pluses,
}


def _three_ways(u: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, ...]:
    half, root = 0.5, np.sqrt(3) / 2
    return u, -half * u + root * v, -half * u - root * v


def draw_images(rng: np.random.Generator, attributes: np.ndarray, size: int) -> np.ndarray:
    """Draw an image of each row of shape, texture and color codes, (n_images, 3).

    Return float32 (n_images, 3, size, size): channels red, green and blue, in [0, 1].
    """
    n_images = len(attributes)
    degrees = rng.integers(-45, 45, size=(n_images, 2))  # of shape and texture
    side = SHAPE_SIDE * size
    centers = rng.uniform(side / 2, size - side / 2, size=(n_images, 2))
    out = np.empty((n_images, 3, size, size), dtype=np.float32)
    step = max(1, CHUNK // size**2)
    for k in range(10):
        alike = np.flatnonzero(attributes[:, 0] == k)
        for start in range(0, len(alike), step):
            rows = alike[start : start + step]
            u, v = _turned(centers[rows], degrees[rows, 0], size)
            inside = _covered(list(SHAPES.values())[k], 2 * u / side, 2 * v / side, side / 2)
            light = _textured(attributes[rows, 1], centers[rows], degrees[rows, 1], size)
            out[rows] = _painted(inside, light, attributes[rows, 2])
    return out


def _turned(centers: np.ndarray, degrees: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return coordinates of all pixels around a center, in pixels: two arrays (n, size, size)."""
    place = np.arange(size, dtype=np.float32) + np.float32(0.5)
    x = place[None, None, :] - centers[:, 0, None, None].astype(np.float32)
    y = centers[:, 1, None, None].astype(np.float32) - place[None, :, None]
    angle = np.radians(degrees).astype(np.float32)[:, None, None]
    cos, sin = np.cos(angle), np.sin(angle)
    return cos * x + sin * y, cos * y - sin * x


def _covered(polygons: list[np.ndarray], u: np.ndarray, v: np.ndarray, pixels: float) -> np.ndarray:
    """Return how much of each pixel is inside; ``pixels`` is how many there are in a unit."""
    distance = np.minimum.reduce([_signed_distance(corners, u, v) for corners in polygons])
    return np.clip(0.5 - distance * np.float32(pixels), 0, 1)


def _signed_distance(corners: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Return the distance to the border of a polygon, negative inside."""
    nearest = np.full_like(u, np.inf)
    inside = np.zeros(u.shape, dtype=bool)
    for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        dx, dy = np.float32(x1 - x0), np.float32(y1 - y0)
        du, dv = u - np.float32(x0), v - np.float32(y0)
        along = np.clip((du * dx + dv * dy) / (dx * dx + dy * dy), 0, 1)
        nearest = np.minimum(nearest, (du - along * dx) ** 2 + (dv - along * dy) ** 2)
        if y0 != y1:
            crosses = (v < np.float32(y0)) != (v < np.float32(y1))
            inside ^= crosses & (du < dv * (dx / dy))
    return np.where(inside, -1, 1) * np.sqrt(nearest)


def _textured(codes: np.ndarray, centers: np.ndarray, degrees: np.ndarray, size: int) -> np.ndarray:
    """Return the brightness of each pixel."""
    period = np.float32(max(PERIOD * size, SMALLEST_PERIOD))
    u, v = _turned(centers, degrees, size)
    light = np.empty_like(u)
    for k, texture in enumerate(TEXTURES.values()):
        rows = codes == k
        light[rows] = texture(u[rows] / period, v[rows] / period)
    return light


def _painted(inside: np.ndarray, light: np.ndarray, colors: np.ndarray) -> np.ndarray:
    """Return images (n, 3, size, size): the colored texture inside, gray outside."""
    rgb = np.array(list(COLORS.values()), dtype=np.float32)[colors][:, :, None, None]
    inside = inside[:, None]
    return GREY * (1 - inside) + inside * rgb * light[:, None]
