"""Files: JSONL, HDF5 containers, whole-or-nothing writing. The only room that knows h5py."""
