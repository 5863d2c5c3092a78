//! Search with ElasticSuite.
