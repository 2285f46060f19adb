"""Show: exhibits, tables, pictures and sentences."""
