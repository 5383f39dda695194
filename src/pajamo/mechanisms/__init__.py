"""Laws, not fits: their quantities have units."""
