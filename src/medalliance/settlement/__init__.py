"""Settlement: what a contract pays, to the cent."""
