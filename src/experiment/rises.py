"""The rises above the centre whose distance is measured along cuts, and the names under which roughness.json has them."""

RISES = (0.25, 0.5, 1.0)  # nats; ours, chosen after the slices of both scales had been read


def rise_key(rise: float) -> str:
    """`distance_at_0.25`."""
    return f"distance_at_{rise:g}"
