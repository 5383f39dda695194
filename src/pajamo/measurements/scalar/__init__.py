"""What an instrument records of one number a sequence: bins, a continuous reading, barcode counts."""
