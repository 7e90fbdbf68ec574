"""Commands over many texts: read tables and documents, compute in batches, write records as they come."""
