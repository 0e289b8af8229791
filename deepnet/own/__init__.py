"""Unlearning for a network and data of one's own: any module from a batch to logits, any labelled samples."""
