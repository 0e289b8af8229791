"""Words that say numbers."""
