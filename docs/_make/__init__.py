"""What fills in the documents. Not installed."""
