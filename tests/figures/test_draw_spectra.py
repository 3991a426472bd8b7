"""Spectra are drawn in units of their own largest eigenvalue."""

import numpy as np
from matplotlib.figure import Figure

from figures.draw_spectra import WIDTH, draw_panel, eigenvalue_axis

NODES = [[-1.0, 0.0, 10.0], [-2.0, 0.0, 9.0]]  # of two draws


def state(scale):
    density = {"nodes": (scale * np.array(NODES)).tolist(), "weights": [[0.1, 0.6, 0.3]] * 2}
    return {"reason": None, "largest_eigenvalue": 10 * scale, "density": density}


def spectra(**scales):
    return {name: {"final": [state(scale)], "matched": [state(scale)]} for name, scale in scales.items()}


def test_a_scale_shared_by_all_eigenvalues_moves_nothing():
    members = spectra(resnet8=1.0, plain8=250.0)
    x = eigenvalue_axis(members)
    np.testing.assert_allclose([x[0], x[-1]], [-0.2 - 4 * WIDTH, 1 + 4 * WIDTH])
    axes = Figure().add_subplot()
    highest = draw_panel(axes, x, members, "final", list(members))
    residual, plain = (line.get_ydata() for line in axes.lines)
    np.testing.assert_allclose(residual, plain)
    assert highest == residual.max()
    np.testing.assert_allclose(np.trapezoid(residual, x), 1, rtol=1e-3)
    assert abs(float(x[residual.argmax()])) < WIDTH


def test_what_was_not_measured_leaves_an_axis_and_its_reason():
    lost = {"reason": "the run diverged"}
    members = {"resnet8": {"final": [lost], "matched": [lost]}}
    x = eigenvalue_axis(members)
    np.testing.assert_allclose([x[0], x[-1]], [-4 * WIDTH, 1 + 4 * WIDTH])
    axes = Figure().add_subplot()
    assert draw_panel(axes, x, members, "final", list(members)) == 0
    assert "the run diverged" in axes.texts[0].get_text()
