"""How numbers are made: numba kernels that take arrays and give arrays, and know no file, frame or cluster."""
