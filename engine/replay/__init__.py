"""Orders over days: strategies play on the same stream and the same draws, and a bound says what hindsight could do."""
