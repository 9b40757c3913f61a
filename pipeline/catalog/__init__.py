"""Where granules are found: CMR, or an index of a folder."""
