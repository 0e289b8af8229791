"""How figures look and are written: colours, places, files."""
