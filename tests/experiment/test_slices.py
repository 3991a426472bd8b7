import numpy as np
import xarray

from experiment.slices import read_slice, write_slice


def example():
    return xarray.Dataset(
        {"loss": (("set", "alpha"), np.array([[1.0, np.nan, np.inf], [0.1, 0.2, 0.3]]))},
        {"set": ["train", "test"], "alpha": [-1.0, 0.0, 1.0]},
        {"network": "resnet8", "direction_seeds": [1, 2], "relative_error": float("nan")},
    )


def test_slices_read_back_as_they_were_written(tmp_path):
    write_slice(tmp_path / "a/b.nc", example())
    xarray.testing.assert_identical(
        read_slice(tmp_path / "a/b.nc").drop_attrs(),
        example().assign_coords(set=example()["set"].astype(str)).drop_attrs(),
    )
    read = read_slice(tmp_path / "a/b.nc")
    assert read.attrs["network"] == "resnet8" and list(read.attrs["direction_seeds"]) == [1, 2]
    assert read["loss"].sel(set="test", alpha=1).item() == 0.3


def test_the_same_slice_gives_the_same_bytes(tmp_path):
    for name in ("first.nc", "second.nc"):
        write_slice(tmp_path / name, example())
    assert (tmp_path / "first.nc").read_bytes() == (tmp_path / "second.nc").read_bytes()
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["first.nc", "second.nc"]
