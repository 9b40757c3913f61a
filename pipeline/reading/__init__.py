"""Reading granules: h5coro finds, the chunk planner fetches, every fault is a typed error."""
