"""The path of training, projected by least squares on the plane that holds most of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from flatness.directions import Direction

COLLINEAR = 1e-6  # share of a path's longest extent up to which one across it may be rounding, some 1e-8


@dataclass(frozen=True)
class PrincipalPlane:
    """A plane through the last weights of a path, and the path on it.

    With rows theta_k - theta_K of the matrix M (K+1 checkpoints, P parameters), the plane is spanned by the two
    leading right singular vectors of M: of all planes through theta_K the one with the least sum of squared
    distances to the path (Eckart and Young 1936). After Li et al. 2018, section 7, whose principal
    components are centred on the path's mean instead.
    """

    components: tuple[Direction, Direction]  # orthonormal over all parameters together
    path: Tensor  # [K+1, 2], L2 distance in weight space; the last row is zero
    residual: Tensor  # [K+1], L2 distance of each checkpoint from the plane
    explained_variance: Tensor  # [2], share of ||M||_F^2 along each component


def principal_plane(checkpoints: Sequence[Mapping[str, Tensor]]) -> PrincipalPlane:
    """The plane of at least three checkpoints of parameters by name (shapes as in the network).

    Signs are fixed so that the first checkpoint has non-negative coordinates. Raises ValueError for fewer
    checkpoints, for weights that are not finite, and where the path does not span a plane: where its extent
    across its longest is at most COLLINEAR times that one.
    """
    if len(checkpoints) < 3:
        raise ValueError(f"a plane needs at least three checkpoints, found {len(checkpoints)}")
    flat = torch.stack([flatten(checkpoint) for checkpoint in checkpoints])  # [K+1, P]
    if not flat.isfinite().all():
        raise ValueError("a checkpoint's weights are not finite; leave out those from the divergence on")
    differences = flat - flat[-1]
    # M M^T is small: its eigenvectors give M's right singular vectors without an SVD of size P
    squares, left = torch.linalg.eigh(differences @ differences.T)
    lengths = squares.flip(0)[:2].clamp(min=0).sqrt()
    if lengths[1] <= COLLINEAR * lengths[0]:
        raise ValueError(
            f"expected checkpoints that span a plane, found extents {lengths[0]:g} and {lengths[1]:g}: "
            "they lie on one line or point and span no plane; take some beside it"
        )
    components = (left.flip(1)[:, :2].T @ differences) / lengths[:, None]  # [2, P]
    path = differences @ components.T
    signs = torch.where(path[0] < 0, -1.0, 1.0).to(path)
    path, components = path * signs, components * signs[:, None]
    residual = (differences - path @ components).norm(dim=1)
    first, second = (unflatten(component, checkpoints[-1]) for component in components)
    return PrincipalPlane((first, second), path, residual, lengths**2 / differences.square().sum())


def flatten(weights: Mapping[str, Tensor]) -> Tensor:
    """All parameters in one float64 vector [P], in the mapping's order."""
    return torch.cat([weight.detach().double().flatten() for weight in weights.values()])


def unflatten(vector: Tensor, like: Mapping[str, Tensor]) -> Direction:
    """The inverse of `flatten`, in the shapes and types of `like`."""
    parts = vector.split([weight.numel() for weight in like.values()])
    return {
        name: part.reshape(weight.shape).to(weight)
        for (name, weight), part in zip(like.items(), parts, strict=True)
    }
