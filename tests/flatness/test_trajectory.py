import pytest
import torch

from flatness.trajectory import flatten, principal_plane


def checkpoints_from(rows):
    """Rows [K+1, 12] as two parameters, 2 x 3 and 6."""
    return [{"a": row[:6].reshape(2, 3), "b": row[6:]} for row in torch.as_tensor(rows, dtype=torch.float64)]


@pytest.fixture
def path():
    return torch.randn(7, 12, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).cumsum(0)


def test_a_path_in_a_plane_is_described_exactly():
    basis = torch.linalg.qr(torch.randn(12, 2, dtype=torch.float64))[0].T
    coordinates = torch.tensor([[5.0, 1.0], [3.0, 2.0], [2.0, 0.5], [0.0, 0.0]], dtype=torch.float64)
    plane = principal_plane(checkpoints_from(coordinates @ basis + 0.3))
    torch.testing.assert_close(plane.residual, torch.zeros(4, dtype=torch.float64), atol=1e-9, rtol=0)
    assert plane.explained_variance.sum() == pytest.approx(1)
    torch.testing.assert_close(torch.cdist(plane.path, plane.path), torch.cdist(coordinates, coordinates))


def test_the_plane_is_that_of_the_singular_vectors_and_beats_every_other(path):
    plane = principal_plane(checkpoints_from(path))
    differences = path - path[-1]
    lengths = torch.linalg.svdvals(differences)
    torch.testing.assert_close(plane.explained_variance, lengths[:2] ** 2 / (lengths**2).sum())
    torch.testing.assert_close(plane.residual.square().sum(), (lengths[2:] ** 2).sum())
    for seed in range(20):
        other = torch.linalg.qr(
            torch.randn(12, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
        )[0]
        assert (differences - differences @ other @ other.T).square().sum() > plane.residual.square().sum()


def test_components_are_orthonormal_and_the_projection_is_least_squares(path):
    plane = principal_plane(checkpoints_from(path))
    basis = torch.stack([flatten(component) for component in plane.components])
    torch.testing.assert_close(basis @ basis.T, torch.eye(2, dtype=torch.float64))
    solution = torch.linalg.lstsq(basis.T, (path - path[-1]).T).solution.T
    torch.testing.assert_close(plane.path, solution)
    torch.testing.assert_close(plane.path[-1], torch.zeros(2, dtype=torch.float64))
    assert (plane.path[0] >= 0).all()


def line(seed, across=0.0):
    """Four checkpoints [4, 12] on a line, the third moved off it by `across` of their extent."""
    generator = torch.Generator().manual_seed(seed)
    along, off = torch.randn(2, 12, dtype=torch.float64, generator=generator)
    places = torch.tensor([2.9, 1.1, 0.37, 0.0], dtype=torch.float64)
    rows = torch.outer(places, along) + torch.randn(12, dtype=torch.float64, generator=generator)
    rows[2] += across * 2.9 * off
    return rows


@pytest.mark.parametrize("seed", range(5))
def test_a_line_is_told_from_a_plane_in_spite_of_rounding(seed):
    with pytest.raises(ValueError, match="span no plane"):
        principal_plane(checkpoints_from(line(seed)))
    narrow = principal_plane(checkpoints_from(line(seed, across=1e-4)))
    assert float(narrow.residual.max()) < 1e-6 * float(narrow.path[0, 0])


@pytest.mark.parametrize(
    "rows, reason",
    [
        ([[0.0] * 12, [1.0] * 12], "at least three"),
        ([[0.0] * 12, [1.0] * 12, [2.0] * 12], "span no plane"),
        ([[0.0] * 12, [float("nan")] * 12, [2.0] * 12], "not finite"),
    ],
)
def test_paths_without_a_plane_are_refused(rows, reason):
    with pytest.raises(ValueError, match=reason):
        principal_plane(checkpoints_from(rows))
