"""Measured slices on disk: xarray datasets as NetCDF-3, the same data giving the same bytes."""

from pathlib import Path

import xarray

from experiment.storage import replacing


def write_slice(path: Path, dataset: xarray.Dataset) -> None:
    """Write a dataset in place of `path`."""
    with replacing(path) as temporary:
        dataset.to_netcdf(temporary, engine="scipy", format="NETCDF3_64BIT")


def read_slice(path: Path) -> xarray.Dataset:
    """Read a dataset into memory, text coordinates as str."""
    with xarray.open_dataset(path, engine="scipy") as dataset:
        loaded = dataset.load()
    texts = {name: loaded[name].astype(str) for name in loaded.coords if loaded[name].dtype.kind in "SO"}
    return loaded.assign_coords(texts)
