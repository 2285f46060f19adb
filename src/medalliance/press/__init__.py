"""Press: all that writes pages and files: the book, a reader's book, downloads, released tables."""
