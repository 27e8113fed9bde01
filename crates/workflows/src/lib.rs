//! The workflow engine: trees into plans, plans into runs.
