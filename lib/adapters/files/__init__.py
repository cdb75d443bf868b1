"""Frames and films as objects, and the signed links to them."""
