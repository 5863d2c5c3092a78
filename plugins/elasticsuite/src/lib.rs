//! Search with `ElasticSuite`: an engine of the shop's own, and Magento told how to use it.
//!
//! Neither `OpenSearch` nor Elasticsearch is a package of Debian: the script names the folder of an unpacked release,
//! and a check says what it lacks.
//!
//! **Invariant:** the installation is only read; settings, index, logs and scratch files are in the node's own folders.
//! **Invariant:** the engine answers on the node's own address only, without accounts, to roles with a flow.

mod search;
mod versions;

use mops_plugin::model::{Call, Diagnostic};
use mops_plugin::{Calls, Context, Contribution, Function, Lowered, Manifest, Plugin, Slots};

use crate::search::Search;

/// Search with `ElasticSuite`.
pub struct Elasticsuite;

mops_plugin::export_plugin!(Elasticsuite);

impl Plugin for Elasticsuite {
    fn manifest(&self) -> Manifest {
        let example = "elasticsuite::search(#{ engine: \"opensearch\", version: \"2.5\", memory: \"4G\" });";
        Manifest::new("elasticsuite", "Search with ElasticSuite").function(Function::new::<Search>(
            "search",
            Calls::Once,
            example,
        ))
    }

    fn contribute(&self, call: &Call, context: &Context) -> Result<Vec<Contribution>, Vec<Diagnostic>> {
        Search::of(call).contribute(context)
    }

    fn lower(&self, call: &Call, context: &Context, _: &Slots) -> Result<Lowered, Vec<Diagnostic>> {
        Search::of(call).lower(context)
    }
}
