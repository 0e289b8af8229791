"""Closer looks at training: batches, patches, filters, signal neurons and the size of the memory."""
