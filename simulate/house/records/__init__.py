"""What made the results in a place, and the one rule by which they are opened, gone on with, or left alone."""
