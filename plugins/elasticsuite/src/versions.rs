//! Which versions of the engines Magento is tested with: Adobe's system requirements, as of August 2026.
//! <https://experienceleague.adobe.com/en/docs/commerce-operations/installation-guide/system-requirements>

use mops_plugin::model::{Diagnostic, Site, Value};

use crate::search::Engine;

/// A release of Magento with the major versions of `OpenSearch` and of Elasticsearch that it is tested with, in any of
/// its patches.
struct Tested {
    magento: &'static str,
    opensearch: &'static [u32],
    elasticsearch: &'static [u32],
}

const TESTED: [Tested; 4] = [
    Tested { magento: "2.4.6", opensearch: &[2, 3], elasticsearch: &[7, 8] },
    Tested { magento: "2.4.7", opensearch: &[2, 3], elasticsearch: &[8] },
    Tested { magento: "2.4.8", opensearch: &[2, 3], elasticsearch: &[8] },
    Tested { magento: "2.4.9", opensearch: &[3], elasticsearch: &[] },
];

/// What is worth saying about `engine` of the major version `major` with the site's Magento.
pub(crate) fn warning(site: &Site, engine: Engine, major: u32) -> Option<Diagnostic> {
    let magento = site.options.get("magento").and_then(Value::as_record)?;
    let version = magento.get("version").and_then(Value::as_text)?;
    let release = version.split('-').next().unwrap_or(version);
    let tested = TESTED.iter().find(|it| it.magento == release)?;
    let majors = match engine {
        Engine::Opensearch => tested.opensearch,
        Engine::Elasticsearch => tested.elasticsearch,
    };
    let name = engine.name();
    let help = match majors {
        [] => format!("Magento {release} is tested with opensearch only"),
        majors => {
            let majors: Vec<String> = majors.iter().map(|it| format!("{name} {it}")).collect();
            format!("Magento {release} is tested with {}", majors.join(" and "))
        }
    };
    let message = format!("Magento {version} is not tested with {name} {major}");
    (!majors.contains(&major))
        .then(|| Diagnostic::warning("elasticsuite::version", message).at_option("version").help(help))
}
