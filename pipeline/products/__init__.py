"""The products, one module each, and their registry."""
