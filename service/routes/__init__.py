"""One file an endpoint: what it takes, what it gives, and how the OpenAPI document says so."""
