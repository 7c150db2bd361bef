"""Rules that order management systems of today route by: nodes are ranked and asked, one order after another."""
