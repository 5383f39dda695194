"""Guide-target pairs: what a guide meets at each of its positions, from the PAM outwards."""
