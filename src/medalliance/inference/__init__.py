"""Inference on arrays: clusters, bands, bootstraps, randomisation. Knows no classes."""
