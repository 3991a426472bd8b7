"""Tests run on the CPU wherever they run: bits are promised there alone. Tests of CUDA ask for it by name."""

import os

os.environ["FLATNESS_DEVICE"] = "cpu"
