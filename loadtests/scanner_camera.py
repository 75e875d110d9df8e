"""A simulated phone: photographs of a flat print, with what goes wrong in real ones. Knows no pass.

The order is that of light: paper that bends, a camera above a desk, lamp and shadow, a finger, the lens, the
sensor. After the shared tool synth_passes.py, cut down to what our sets need.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]
Random = np.random.Generator

GAMMA = 1 / 1.8


@dataclass(frozen=True)
class Shot:
    """How a print is photographed. Lengths are millimetres on paper, or pixels where it says so."""

    pixels_per_mm: float
    width: int = 1_600
    height: int = 1_200
    tilt: float = 0.0
    turn: float = 0.0
    curl_radius: float = 0.0
    crumple: float = 0.0
    shadow: float = 0.0
    glare: float = 0.0
    cover: float = 0.0
    defocus_pixels: float = 0.0
    motion_pixels: float = 0.0
    electrons: float = 0.0
    exposure: float = 0.95
    screen: float = 0.0
    jpeg_quality: int = 85


def photographed(
    print_: Plane, dots_per_mm: float, centre: tuple[float, float], shot: Shot, random: Random
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """The photo, and what takes millimetres of the print to pixels of it (paper's own bending apart).

    `print_` is reflectance from 0 to 1; `centre` is the place, in millimetres, that the camera points at.
    """
    to_photo = _camera(centre, shot, random)
    columns, rows = _seen_places(to_photo, shot)
    columns, rows, lit = _bent(columns, rows, centre, shot, random)
    softened = cv2.GaussianBlur(print_, (0, 0), max(0.3, 0.5 * dots_per_mm / shot.pixels_per_mm))
    seen = cv2.remap(
        softened,
        (columns * dots_per_mm).astype(np.float32),
        (rows * dots_per_mm).astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=-1,
    )
    desk = random.uniform(0.15, 0.6) + 0.06 * _noise(random, shot, 60)
    scene = np.where(seen < 0, desk, seen * lit).astype(np.float32)
    middle = cv2.perspectiveTransform(np.array([[centre]]), to_photo)[0, 0]
    scene = _covered(scene, middle, shot, random)
    scene = _lit(scene, middle, shot, random)
    return _sensed(_through_lens(scene, shot, random), shot, random), to_photo


def encoded(photo: NDArray[np.uint8], shot: Shot) -> bytes:
    done, jpeg = cv2.imencode(".jpg", photo, [cv2.IMWRITE_JPEG_QUALITY, shot.jpeg_quality])
    assert done
    return jpeg.tobytes()


def _camera(centre: tuple[float, float], shot: Shot, random: Random) -> NDArray[np.float64]:
    focal = 1.1 * shot.width
    axis = random.uniform(0, 2 * np.pi)
    tilt = cv2.Rodrigues(np.array([np.cos(axis), np.sin(axis), 0]) * np.deg2rad(shot.tilt))[0]
    turn = cv2.Rodrigues(np.array([0, 0, np.deg2rad(shot.turn)]))[0]
    way = tilt @ turn
    lens = np.array([[focal, 0, shot.width / 2], [0, focal, shot.height / 2], [0, 0, 1]])
    away = np.array([0, 0, focal / shot.pixels_per_mm])
    view = lens @ np.column_stack([way[:, 0], way[:, 1], away])
    to_photo = view @ np.array([[1, 0, -centre[0]], [0, 1, -centre[1]], [0, 0, 1]])
    return np.asarray(to_photo / to_photo[2, 2], np.float64)


def _seen_places(to_photo: NDArray[np.float64], shot: Shot) -> tuple[Plane, Plane]:
    """For each pixel, where on the paper it looks."""
    y, x = np.mgrid[: shot.height, : shot.width].astype(np.float64)
    back = np.linalg.inv(to_photo)
    depth = back[2, 0] * x + back[2, 1] * y + back[2, 2]
    columns = (back[0, 0] * x + back[0, 1] * y + back[0, 2]) / depth
    rows = (back[1, 0] * x + back[1, 1] * y + back[1, 2]) / depth
    return columns.astype(np.float32), rows.astype(np.float32)


def _bent(
    columns: Plane, rows: Plane, centre: tuple[float, float], shot: Shot, random: Random
) -> tuple[Plane, Plane, Plane]:
    lit = np.ones_like(columns)
    if shot.curl_radius:
        axis = random.uniform(0, np.pi)
        cosine, sine = np.cos(axis), np.sin(axis)
        x, y = columns - centre[0], rows - centre[1]
        across, along = x * cosine + y * sine, -x * sine + y * cosine
        part = np.clip(across / shot.curl_radius, -0.98, 0.98)
        arc = shot.curl_radius * np.arcsin(part)
        columns = (centre[0] + arc * cosine - along * sine).astype(np.float32)
        rows = (centre[1] + arc * sine + along * cosine).astype(np.float32)
        columns[np.abs(across) > 0.98 * shot.curl_radius] = -1e4
        lit = (0.3 + 0.7 * np.sqrt(1 - part * part)).astype(np.float32)
    if shot.crumple:
        folds = _noise(random, shot, int(9 * shot.pixels_per_mm)) + 0.2 * _noise(
            random, shot, int(4 * shot.pixels_per_mm)
        )
        slope_x, slope_y = np.gradient(folds, axis=1), np.gradient(folds, axis=0)
        reach = shot.crumple * shot.pixels_per_mm
        columns = (columns + reach * slope_x).astype(np.float32)
        rows = (rows + reach * slope_y).astype(np.float32)
        lit = (lit * np.clip(1 + 4 * slope_x + 3 * slope_y, 0.4, 1.4)).astype(np.float32)
    return columns, rows, lit


def _covered(scene: Plane, middle: NDArray[np.float64], shot: Shot, random: Random) -> Plane:
    """A finger, a tear or a stain `cover` millimetres wide over part of what matters."""
    if not shot.cover:
        return scene
    radius = shot.cover * shot.pixels_per_mm
    way = random.uniform(0, 2 * np.pi)
    off = random.uniform(0.3, 1.6) * radius
    place = (int(middle[0] + off * np.cos(way)), int(middle[1] + off * np.sin(way)))
    mask = np.zeros_like(scene)
    axes = (max(1, int(radius)), max(1, int(radius * 0.6)))
    cv2.ellipse(mask, place, axes, float(random.uniform(0, 180)), 0, 360, (1.0,), -1)
    soft = cv2.GaussianBlur(mask, (0, 0), 1.2)
    return np.asarray(scene * (1 - soft) + soft * random.choice([0.1, 0.35, 0.75]), np.float32)


def _lit(scene: Plane, middle: NDArray[np.float64], shot: Shot, random: Random) -> Plane:
    y, x = np.mgrid[: shot.height, : shot.width].astype(np.float32)
    way = random.uniform(0, 2 * np.pi)
    light = 1 + 0.3 * ((x / shot.width - 0.5) * np.cos(way) + (y / shot.height - 0.5) * np.sin(way))
    if shot.shadow:
        way = random.uniform(0, 2 * np.pi)
        edge = (x - middle[0]) * np.cos(way) + (y - middle[1]) * np.sin(way)
        light *= 1 - shot.shadow / (1 + np.exp(-np.clip(edge / random.uniform(1.5, 14), -40, 40)))
    if shot.screen:
        # Pixels of a screen, finer than modules and at an angle to ours.
        period = random.uniform(2.1, 3.4)
        light *= 1 + shot.screen * np.sin(2 * np.pi * (x + 0.11 * y) / period)
        light *= 1 + shot.screen * np.sin(2 * np.pi * (y - 0.07 * x) / period)
    lit = scene * light * shot.exposure
    for _ in range(int(random.integers(1, 4)) if shot.glare else 0):
        size = random.uniform(2, 9, 2) * shot.pixels_per_mm
        spot = middle + random.uniform(-14, 14, 2) * shot.pixels_per_mm
        lit += shot.glare * np.exp(-(((x - spot[0]) / size[0]) ** 2 + ((y - spot[1]) / size[1]) ** 2) / 2)
    return np.asarray(lit, np.float32)


def _through_lens(scene: Plane, shot: Shot, random: Random) -> Plane:
    if shot.defocus_pixels:
        reach = int(np.ceil(shot.defocus_pixels))
        y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
        disc = np.clip(shot.defocus_pixels + 0.5 - np.hypot(x, y), 0, 1)
        scene = cv2.filter2D(scene, -1, disc / disc.sum()).astype(np.float32)
    if shot.motion_pixels:
        way, reach = random.uniform(0, np.pi), int(np.ceil(shot.motion_pixels / 2)) + 1
        path = np.zeros((2 * reach + 1, 2 * reach + 1), np.float32)
        for step in np.linspace(-0.5, 0.5, 8 * reach):
            x, y = (reach + step * shot.motion_pixels * part for part in (np.cos(way), np.sin(way)))
            path[round(y), round(x)] += 1
        scene = cv2.filter2D(scene, -1, cv2.GaussianBlur(path / path.sum(), (0, 0), 0.5)).astype(np.float32)
    return cv2.GaussianBlur(scene, (0, 0), 0.45).astype(np.float32)


def _sensed(scene: Plane, shot: Shot, random: Random) -> NDArray[np.uint8]:
    light = np.clip(scene, 0, 1)
    if shot.electrons:
        caught = random.poisson(light * shot.electrons) / shot.electrons
        seen = caught + random.normal(0, 0.03, light.shape)
    else:
        seen = light + random.normal(0, 0.006, light.shape)
    grey = (np.clip(seen, 0, 1) ** GAMMA * 255).astype(np.uint8)
    soft = cv2.GaussianBlur(grey, (0, 0), 1.2)
    return cv2.addWeighted(grey, 1.5, soft, -0.5, 0).astype(np.uint8)


def _noise(random: Random, shot: Shot, cell: int) -> Plane:
    cell = max(2, cell)
    grid = random.normal(0, 1, (shot.height // cell + 3, shot.width // cell + 3)).astype(np.float32)
    size = (shot.width, shot.height)
    return cv2.resize(grid, size, interpolation=cv2.INTER_CUBIC).astype(np.float32)
