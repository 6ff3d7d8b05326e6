"""The file formats: bytes to values and back, lossless."""
