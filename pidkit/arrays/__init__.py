"""Saved arrays: describe and load .npy, .npz, .pt, .safetensors, .h5 and .zarr without unpickling; write atomically."""

from pidkit.arrays.formats import ArrayEntry
from pidkit.arrays.loading import FileDescription, describe_file, load_array
from pidkit.arrays.saving import save_arrays, write_atomic

__all__ = ["ArrayEntry", "FileDescription", "describe_file", "load_array", "save_arrays", "write_atomic"]
