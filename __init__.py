"""nunatak: ICESat-2 photons to heights, as a Dask pipeline on your own cluster."""

__version__ = "0.1.0"
