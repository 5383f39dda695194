"""Files become screens and priors, or a precise complaint; hostile files are refused first."""
