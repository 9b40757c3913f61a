"""Where it runs: threads, processes or a Dask cluster."""
