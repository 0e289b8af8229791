"""What figures and tables are made with: results on disk, sheets, captions, style."""
