//! The only script engines: JavaScript for filters and URLs, a Ruby subset for ERB and conditions.
