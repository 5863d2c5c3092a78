//! Media from a network of caches near the customer, with pictures in the format and size that the browser takes.
//!
//! On this machine there is no such network: `media` renders the function that would run at its edge, says what it was
//! asked for as settings, and tells Magento the host of the media addresses when one is named.
//!
//! **Invariant:** the function maps every request for one picture in one form to one key, so that nobody fills the
//! cache or the bucket with copies by inventing parameters.

use mops_plugin::model::{Call, Diagnostic, Encoding, Host, OnChange, Value};
use mops_plugin::slot::{MagentoConfig, Slot};
use mops_plugin::{Calls, Context, Contribution, Function, Lowered, Manifest, Plugin, Slots, Template};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Media from a network of caches.
pub struct Cdn;

mops_plugin::export_plugin!(Cdn);

/// Media from a network of caches near the customer (`CloudFront`).
#[derive(Deserialize, JsonSchema)]
struct Media {
    /// Where the originals are: `s3`, a bucket, which also holds the copies; `efs` and `nfs`, the shop's own nodes.
    /// `s3` by default.
    #[serde(default)]
    store: Store,
    /// What is done to pictures.
    #[serde(default)]
    images: Images,
    /// The host that browsers fetch media from. Without one they are fetched from each website's own host.
    domain: Option<Host>,
    /// From how many edges it is served, by price: `100` (Europe and North America), `200`, `all`. `100` by default.
    /// <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/PriceClass.html>
    #[serde(default)]
    price_class: PriceClass,
}

/// Where the originals are.
#[derive(Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Store {
    /// A bucket.
    #[default]
    S3,
    /// A shared file system of AWS.
    Efs,
    /// Another shared file system.
    Nfs,
}

/// What is done to pictures.
#[derive(Serialize, Deserialize, JsonSchema)]
struct Images {
    /// Whether browsers that take `WebP` get it. True by default.
    #[serde(default = "webp")]
    webp: bool,
    /// Whether browsers that take AVIF get it: smaller still, but seconds of work for each copy. False by default.
    #[serde(default)]
    avif: bool,
    /// The quality of copies, from 1 to 100; 82 by default. `?quality=` of an address wins.
    #[serde(default = "quality")]
    #[schemars(range(min = 1, max = 100))]
    quality: u32,
    /// The greatest width and height of a copy, in pixels. From 16 to 16383 (what `WebP` can hold), 2560 by default.
    #[serde(default = "max_width")]
    #[schemars(range(min = 16, max = 16383))]
    max_width: u32,
}

/// From how many edges it is served.
#[derive(Clone, Copy, Default, Serialize, Deserialize, JsonSchema)]
enum PriceClass {
    /// Europe and North America.
    #[default]
    #[serde(rename = "100")]
    Least,
    /// Asia, Africa and the Middle East too.
    #[serde(rename = "200")]
    Most,
    /// Everywhere.
    #[serde(rename = "all")]
    All,
}

const VIEWER_REQUEST: Template = Template {
    name: "cdn/viewer-request.js",
    text: include_str!("../templates/viewer-request.js"),
    encoding: Encoding::Raw,
};

/// The most bytes that a function may have
/// (<https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html>).
pub const FUNCTION_LIMIT: usize = 10 * 1024;

fn webp() -> bool {
    true
}

fn quality() -> u32 {
    82
}

fn max_width() -> u32 {
    2560
}

impl Default for Images {
    fn default() -> Self {
        Self { webp: webp(), avif: false, quality: quality(), max_width: max_width() }
    }
}

impl Plugin for Cdn {
    fn manifest(&self) -> Manifest {
        let example = "cdn::media(#{ store: \"s3\", images: #{ webp: true, quality: 80 } });";
        Manifest::new("cdn", "Media from a network of caches, with pictures as the browser takes them")
            .function(Function::new::<Media>("media", Calls::Once, example))
    }

    fn contribute(&self, call: &Call, _: &Context) -> Result<Vec<Contribution>, Vec<Diagnostic>> {
        let media = Media::of(call);
        media.check()?;
        let Some(domain) = &media.domain else { return Ok(Vec::new()) };
        let config = |scheme: &str| MagentoConfig {
            website: None,
            path: format!("web/{scheme}/base_media_url"),
            value: format!("https://{domain}/media/").into(),
        };
        Ok(["secure", "unsecure"].map(|it| config(it).contribution()).into())
    }

    fn lower(&self, call: &Call, _: &Context, _: &Slots) -> Result<Lowered, Vec<Diagnostic>> {
        let media = Media::of(call);
        media.check()?;
        let mut lowered = Lowered::default();
        let function = VIEWER_REQUEST.render(media.values()).map_err(|it| vec![it])?;
        // No daemon reads it; it stands beside the edge that it is in front of.
        lowered.file("edge", "cdn/viewer-request.js", function, "edge-nginx", OnChange::None);
        lowered.setting("cdn.store", word(media.store));
        lowered.setting("cdn.price_class", word(media.price_class));
        lowered.setting(
            "cdn.images.formats",
            Value::List(media.formats().into_iter().map(Value::from).collect()),
        );
        lowered.setting("cdn.images.quality", i64::from(media.images.quality));
        lowered.setting("cdn.images.max_width", i64::from(media.images.max_width));
        if let Some(domain) = &media.domain {
            lowered.setting("cdn.domain", domain.as_str());
        }
        Ok(lowered)
    }
}

/// The values of the function.
#[derive(Serialize)]
struct Values {
    formats: Vec<&'static str>,
    /// Percent.
    quality: u32,
    /// Pixels.
    max_width: u32,
    /// The function that writes the key.
    keyed: &'static str,
}

impl Media {
    fn of(call: &Call) -> Self {
        call.parse().expect("the call was checked against these options")
    }

    fn check(&self) -> Result<(), Vec<Diagnostic>> {
        match &self.domain {
            Some(domain) if domain.as_str().starts_with("*.") => {
                let message = format!("`{domain}` stands for many hosts; media has one");
                let help = "write one name, such as \"media.acme.pl\"";
                Err(vec![Diagnostic::error("cdn::domain", message).at_option("domain").help(help)])
            }
            Some(_) | None => Ok(()),
        }
    }

    /// The formats to choose from, the smallest first.
    fn formats(&self) -> Vec<&'static str> {
        let formats = [("avif", self.images.avif), ("webp", self.images.webp)];
        formats.into_iter().filter(|(_, wanted)| *wanted).map(|(name, _)| name).collect()
    }

    fn values(&self) -> Values {
        Values {
            formats: self.formats(),
            quality: self.images.quality,
            max_width: self.images.max_width,
            keyed: match self.store {
                Store::S3 => "keyedByPath",
                Store::Efs | Store::Nfs => "keyedByQuery",
            },
        }
    }
}

/// The word that a script writes for it.
fn word(choice: impl Serialize) -> Value {
    Value::of(&choice).expect("a choice is a word")
}
