//! The plugins that are part of this program.

use mops_plugin::{Linked, Registry};

/// Every linked plugin.
pub(crate) fn registry() -> Registry {
    Registry::new([
        Linked(&mops_baler::Baler),
        Linked(&mops_cdn::Cdn),
        Linked(&mops_elasticsuite::Elasticsuite),
        Linked(&mops_geo_redirects::GeoRedirects),
        Linked(&mops_magento::Magento),
        Linked(&mops_nginx::Nginx),
        Linked(&mops_php::Php),
        Linked(&mops_rabbitmq::Rabbitmq),
        Linked(&mops_redis::Redis),
        Linked(&mops_throttling::Throttling),
        Linked(&mops_varnish::Varnish),
    ])
}
