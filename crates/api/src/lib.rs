//! The HTTP API: one route table, authentication, documents, errors, OpenAPI.
