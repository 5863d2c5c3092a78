//! JavaScript bundles: fewer requests for a page than `RequireJS` makes by itself.
//!
//! `bundle` adds a step to what makes a release ready, verifies what it made, and sets Magento's flags to match. What
//! serves a bundle is Magento's module (`magento/module-baler` or `creativestyle/magesuite-magepack`), part of the
//! release.
//!
//! **Invariant:** a flag that makes pages ask for bundles is on only where the step that makes them is there too.
//! **Invariant:** every flag is said, on or off: turning the service off, or to the other tool, leaves none behind.

use mops_plugin::model::{Call, Diagnostic, Name, Text};
use mops_plugin::slot::{MagentoConfig, ReleaseStep, Slot};
use mops_plugin::{Calls, Context, Contribution, Function, Lowered, Manifest, Plugin, Slots};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// JavaScript bundles.
pub struct Baler;

mops_plugin::export_plugin!(Baler);

/// JavaScript bundles, made after Magento's static content and verified before the release is used.
#[derive(Deserialize, JsonSchema)]
struct Bundle {
    /// What makes the bundles. `baler` needs no browser and no configuration; `magepack` needs a `magepack.config.js` in
    /// the release, made with `magepack generate`. `baler` by default.
    #[serde(default)]
    tool: Tool,
    /// The themes to bundle, as `Vendor/theme`. Every deployed theme but Magento/blank by default.
    #[serde(default)]
    themes: Vec<String>,
    /// Whether pages ask for bundles. With `false` Magento is told so and nothing is made. True by default.
    #[serde(default = "enabled")]
    enabled: bool,
    /// The program `node`, 10.12 or newer. `/usr/bin/node` by default.
    #[serde(default = "node")]
    node: String,
    /// The script of the tool that `node` runs. Where `npm install -g` puts it by default: `/usr/local/bin/<tool>`.
    script: Option<String>,
    /// The program `php` that Baler asks for the shop's modules. `/usr/bin/php` by default; Magepack asks none.
    #[serde(default = "php")]
    php: String,
}

/// What makes the bundles.
#[derive(Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Tool {
    /// Reads the code of a theme and bundles what every page needs.
    #[default]
    Baler,
    /// Bundles what a browser was seen to load on each kind of page.
    Magepack,
}

/// Whether Magento does something (`Magento\Config\Model\Config\Source\Yesno`).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flag {
    On,
    Off,
}

fn enabled() -> bool {
    true
}

fn node() -> String {
    "/usr/bin/node".to_owned()
}

fn php() -> String {
    "/usr/bin/php".to_owned()
}

impl Plugin for Baler {
    fn manifest(&self) -> Manifest {
        let example = "baler::bundle(#{ themes: [\"Acme/default\"] });";
        Manifest::new("baler", "JavaScript bundles, built and verified with each release")
            .function(Function::new::<Bundle>("bundle", Calls::Once, example))
    }

    fn contribute(&self, call: &Call, _: &Context) -> Result<Vec<Contribution>, Vec<Diagnostic>> {
        let bundle = Bundle::of(call);
        let wrong = bundle.mistakes();
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let flags = bundle.flags().into_iter().map(|(path, flag)| config(path, flag));
        let step = bundle.enabled.then(|| bundle.step().contribution());
        Ok(flags.chain(step).collect())
    }

    fn lower(&self, call: &Call, _: &Context, _: &Slots) -> Result<Lowered, Vec<Diagnostic>> {
        let bundle = Bundle::of(call);
        let mut lowered = Lowered::default();
        lowered.setting("baler.enabled", bundle.enabled);
        lowered.setting("baler.tool", bundle.tool.name());
        Ok(lowered)
    }
}

impl Tool {
    fn name(self) -> &'static str {
        match self {
            Self::Baler => "baler",
            Self::Magepack => "magepack",
        }
    }
}

impl Bundle {
    fn of(call: &Call) -> Self {
        call.parse().expect("the call was checked against these options")
    }

    fn mistakes(&self) -> Vec<Diagnostic> {
        let mut wrong = Vec::new();
        for (i, theme) in self.themes.iter().enumerate() {
            let at = format!("themes[{i}]");
            if !is_theme(theme) {
                let message = format!("{theme:?} is no theme");
                let help =
                    "write its vendor and its name, as its folder in pub/static/frontend: \"Acme/default\"";
                wrong.push(Diagnostic::error("baler::theme", message).at_option(at).help(help));
            } else if theme == "Magento/blank" {
                let message = "no tool bundles Magento/blank: it is there to be inherited from";
                wrong.push(
                    Diagnostic::error("baler::blank", message)
                        .at_option(at)
                        .help("name the shop's own theme"),
                );
            }
        }
        for (option, program) in [("node", &self.node), ("php", &self.php), ("script", &self.script())] {
            if !program.starts_with('/') {
                let message = format!("`{option}` must be the whole path of a program, not {program:?}");
                wrong.push(Diagnostic::error("baler::program", message).at_option(option));
            }
        }
        wrong
    }

    fn script(&self) -> String {
        self.script.clone().unwrap_or_else(|| format!("/usr/local/bin/{}", self.tool.name()))
    }

    /// Baler bundles neither minified nor merged files; Magepack takes both as they are
    /// (their READMEs; Magento's own bundling excludes either).
    fn flags(&self) -> Vec<(&'static str, Flag)> {
        let on = |tool| match self.enabled && self.tool == tool {
            true => Flag::On,
            false => Flag::Off,
        };
        let mut flags = vec![
            ("dev/js/enable_baler_js_bundling", on(Tool::Baler)),
            ("dev/js/enable_magepack_js_bundling", on(Tool::Magepack)),
            ("dev/js/enable_js_bundling", Flag::Off),
        ];
        match self.tool {
            Tool::Baler => {
                flags.extend([("dev/js/minify_files", Flag::Off), ("dev/js/merge_files", Flag::Off)]);
            }
            Tool::Magepack => (),
        }
        flags
    }

    fn step(&self) -> ReleaseStep {
        let mut run: Vec<Text> = match self.tool {
            Tool::Baler => vec!["/usr/bin/env".into(), format!("BALER_PHP_PATH={}", self.php).into()],
            Tool::Magepack => Vec::new(),
        };
        run.push(self.node.as_str().into());
        run.push(self.script().into());
        match self.tool {
            Tool::Baler => {
                run.push("build".into());
                for theme in &self.themes {
                    run.extend(["--theme".into(), theme.as_str().into()]);
                }
            }
            Tool::Magepack => {
                run.push("bundle".into());
                if let Some(themes) = alternatives(&self.themes) {
                    run.extend(["--glob".into(), format!("pub/static/frontend/{themes}/*").into()]);
                }
            }
        }
        ReleaseStep { name: Name::literal(self.tool.name()), run, makes: self.makes() }
    }

    /// The files that a page asks for first, in every locale. Without them the shop has no JavaScript at all.
    fn makes(&self) -> Vec<String> {
        let files: &[&str] = match self.tool {
            Tool::Baler => &["balerbundles/core-bundle.js", "requirejs-bundle-config.js"],
            // With minified files, their names end in `.min.js`.
            Tool::Magepack => &["magepack/bundle-common*.js", "magepack/requirejs-config-common*.js"],
        };
        let every = ["*/*".to_owned()];
        let themes = if self.themes.is_empty() { &every[..] } else { &self.themes[..] };
        let each = |theme: &String| {
            let theme = theme.clone();
            files.iter().map(move |file| format!("pub/static/frontend/{theme}/*/{file}"))
        };
        themes.iter().flat_map(each).collect()
    }
}

/// One theme, or a choice of several as the shell's braces say it.
fn alternatives(themes: &[String]) -> Option<String> {
    match themes {
        [] => None,
        [theme] => Some(theme.clone()),
        several => Some(format!("{{{}}}", several.join(","))),
    }
}

fn is_theme(theme: &str) -> bool {
    let is_word = |it: &str| {
        it.starts_with(|c: char| c.is_ascii_alphanumeric())
            && it.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
    };
    theme.split_once('/').is_some_and(|(vendor, name)| is_word(vendor) && is_word(name))
}

fn config(path: &str, flag: Flag) -> Contribution {
    let value = match flag {
        Flag::On => "1".into(),
        Flag::Off => "0".into(),
    };
    MagentoConfig { website: None, path: path.to_owned(), value }.contribution()
}
