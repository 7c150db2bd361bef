"""Bodies, queries and answers of the calls, as the OpenAPI document shows them."""
