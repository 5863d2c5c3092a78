//! What the program knows of the outside: environment variables, the clock, who runs it. Read once, handed on.

use std::{
    collections::BTreeMap,
    env,
    path::PathBuf,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use mops_local::{Place, Whose};

use crate::{failure::Failure, plugins::Shelf, project::SiteFolder, secrets::FolderSecrets};

/// What the program knows of the outside.
pub(crate) struct Outside {
    variables: BTreeMap<String, String>,
}

impl Outside {
    /// Reads the environment; what is no UTF-8 is nothing of ours.
    pub(crate) fn read() -> Self {
        let text = |(key, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((key.into_string().ok()?, value.into_string().ok()?))
        };
        Self { variables: env::vars_os().filter_map(text).collect() }
    }

    /// Seconds since 1970.
    pub(crate) fn now() -> i64 {
        let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |it| it.as_secs());
        i64::try_from(elapsed).unwrap_or(i64::MAX)
    }

    /// Seconds since 1970, as stages take them.
    pub(crate) fn clock() -> u64 {
        Self::now().unsigned_abs()
    }

    /// Who runs it, as `user@host`.
    pub(crate) fn who() -> String {
        let uid = nix::unistd::geteuid();
        let user =
            nix::unistd::User::from_uid(uid).ok().flatten().map_or_else(|| uid.to_string(), |it| it.name);
        let host = nix::unistd::gethostname().ok().and_then(|it| it.into_string().ok());
        format!("{user}@{}", host.unwrap_or_else(|| "localhost".to_owned()))
    }

    /// Where `site` lives on this machine.
    pub(crate) fn place(&self, site: &SiteFolder) -> Result<Place, Failure> {
        let program = Self::program()?;
        let key = format!("{}-{}", site.name, &site.key().to_string()[..8]);
        Place::new(&key, self.whose()?, program).map_err(|err| Failure::refused(&err))
    }

    /// Where plugin libraries lie; none when the user has no folder for data.
    pub(crate) fn shelf(&self) -> Result<Option<Shelf>, Failure> {
        let program = Self::program()?;
        let place = |data: PathBuf| Shelf {
            own: data.join("mops/plugins"),
            cache: data.join("mops/plugin-cache"),
            program,
            open: Arc::default(),
        };
        Ok(self.data().map(place))
    }

    /// Where the pages lie that an editor is led to.
    pub(crate) fn pages(&self) -> PathBuf {
        match self.data() {
            Some(data) => data.join("mops/editor"),
            None => env::temp_dir().join("mops-editor"),
        }
    }

    /// The secrets of `site`, which lives in `place`.
    pub(crate) fn secrets(&self, site: &SiteFolder, place: &Place) -> Result<FolderSecrets, Failure> {
        let is_secret = |key: &&String| key.starts_with(FolderSecrets::VARIABLE);
        let named =
            self.variables.keys().filter(is_secret).map(|it| (it.clone(), self.variables[it].clone()));
        let key = mops_local::machine_key(place)
            .map_err(|err| Failure::io("read the key in", &place.machine, &err))?;
        Ok(FolderSecrets::new(site.secrets(), named.collect(), key))
    }

    /// The file that remembers what was written at the prompt, if there is a place for it.
    pub(crate) fn history(&self) -> Option<PathBuf> {
        self.data().map(|it| it.join("mops/repl-history"))
    }

    fn whose(&self) -> Result<Whose, Failure> {
        let uid = nix::unistd::geteuid();
        if uid.is_root() {
            return Ok(Whose::Root);
        }
        let data = self.data().ok_or_else(|| {
            Failure::new("there is no place for data: neither HOME nor XDG_DATA_HOME is set").help("set HOME")
        })?;
        Ok(Whose::User { uid: uid.as_raw(), data, run: self.folder("XDG_RUNTIME_DIR") })
    }

    /// The folder for data of whoever runs mops.
    fn data(&self) -> Option<PathBuf> {
        let home = || self.folder("HOME").map(|it| it.join(".local/share"));
        self.folder("XDG_DATA_HOME").or_else(home)
    }

    fn folder(&self, name: &str) -> Option<PathBuf> {
        self.variables.get(name).filter(|it| it.starts_with('/')).map(PathBuf::from)
    }

    fn program() -> Result<PathBuf, Failure> {
        env::current_exe().map_err(|err| Failure::new(format!("cannot find this program: {err}")))
    }
}
