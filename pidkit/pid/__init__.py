"""Bivariate partial information decomposition after Bertschinger et al. (BROJA), with a certificate."""
