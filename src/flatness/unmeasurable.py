"""The one error that says of a network, not of its caller, that something cannot be measured."""


class Unmeasurable(ValueError):
    """A loss, a gradient or a product that is not finite, or zero where nothing is left to measure."""
