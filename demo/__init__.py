"""`poincon demo`: embedded servers, a seeded programme, the service, and what to try."""
