"""What the site needs beyond Sphinx and its theme: one idea a file."""
