"""Measure every declared slice of one run's loss: about its final weights, at equal training loss, on the way there."""

import sys

import numpy as np

from experiment.declared_views import declared_views
from experiment.images import load_images
from experiment.layout import surface_path
from experiment.machine import execution
from experiment.parameters.loading import load_section
from experiment.parameters.surface import Surface
from experiment.progress import PointLog
from experiment.provenance import provenance
from experiment.slices import write_slice
from experiment.storage import DATASET, IMAGES, file_hash, read_json, run_name, weights_path
from experiment.view_values import measure, precision, view_attributes
from flatness.surface import slice_dataset


def main(network_name: str, seed: int) -> None:
    parameters = load_section("surface", Surface)
    machine = execution()
    sets = dict(zip(("train", "test"), load_images(), strict=True))
    origin = provenance(machine, parameters.model_dump())
    common = {"network": network_name, "seed": seed, "fingerprint": read_json(DATASET)["fingerprint"]}
    depends_on = (file_hash(weights_path(network_name, seed)), file_hash(IMAGES), origin)
    logs: list[PointLog] = []
    measured: dict[tuple, np.ndarray] = {}
    for view in declared_views(network_name, seed, sets["train"], parameters):
        title = f"{run_name(network_name, seed)} {view.name}"
        same_points = (
            view.epoch,
            view.recomputed,
            tuple(view.geometry.coordinates),
            len(view.geometry.points),
        )
        if same_points in measured:  # the matched checkpoint is the final one
            values = measured[same_points][:, : len(view.sets)]
        else:
            logs.append(PointLog(f"surface-{title.replace(' ', '-')}", view.epoch, *depends_on))
            values = measured[same_points] = measure(view, sets, parameters, machine, logs[-1], title)
        attributes = common | view_attributes(view, parameters) | origin
        attributes["precision_check"] = precision(view, sets["train"], parameters, machine)
        dataset = slice_dataset(values, view.sets, view.geometry.coordinates, attributes)
        write_slice(surface_path(network_name, seed, view.name), dataset)
    for log in logs:
        log.remove()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
