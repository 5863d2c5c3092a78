//! Reads, makes, changes and removes the resources of this machine.
//!
//! **Invariant:** what exists is found by its address alone: in the machine's list, or under its name in the site's
//! folders.

use std::{
    collections::BTreeMap,
    fs, io,
    net::{IpAddr, Ipv4Addr},
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use mops_apply::{Inputs, Objects, Observed, Outputs, Provider, Refused};
use mops_model::{Address, Bindings, Digest, Name, Recorded, Secrets, Value};
use mops_node::{ActivationError, DaemonState, NodeStatus, make_folder, sweep, write_private};
use serde::de::DeserializeOwned;
use tokio::task::spawn_blocking;

use crate::{
    Place, certificate,
    client::{connect, reach},
    machine::{Machine, refused},
    password::{self, SiteSecrets},
    protocol::{Answer, Request},
    site,
};

/// The provider for this machine.
#[derive(Clone)]
pub struct Local(Arc<Site>);

struct Site {
    place: Place,
    objects: Arc<dyn Objects>,
    secrets: SiteSecrets,
    /// Seconds since 1970.
    now: u64,
}

impl Local {
    /// The provider for the site at `place`. `objects` gives closures and what they name, `secrets` those secrets that
    /// mops did not make up itself; `now`, in seconds since 1970, decides which certificates are still good.
    pub fn new(place: Place, objects: Arc<dyn Objects>, secrets: Arc<dyn Secrets>, now: u64) -> Self {
        let secrets = SiteSecrets { place: place.clone(), others: secrets };
        Self(Arc::new(Site { place, objects, secrets, now }))
    }

    /// Does something that takes its time without keeping other resources waiting.
    async fn apart<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Site) -> Result<T, Refused> + Send + 'static,
    ) -> Result<T, Refused> {
        let site = Arc::clone(&self.0);
        let done = spawn_blocking(move || work(&site)).await;
        done.unwrap_or_else(|err| Err(Refused::new(format!("a bug of mops: {err}"))))
    }
}

#[async_trait]
impl Provider for Local {
    async fn read(
        &self,
        wanted: &BTreeMap<Address, Option<Recorded>>,
    ) -> Result<BTreeMap<Address, Observed>, Refused> {
        let wanted: Vec<Address> = wanted.keys().cloned().collect();
        self.apart(move |site| site.read(&wanted)).await
    }

    async fn create(&self, address: &Address, inputs: &Inputs) -> Result<Outputs, Refused> {
        let (address, inputs) = (address.clone(), inputs.clone());
        self.apart(move |site| site.make(&address, &inputs)).await
    }

    async fn update(&self, address: &Address, _: &Recorded, inputs: &Inputs) -> Result<Outputs, Refused> {
        self.create(address, inputs).await
    }

    async fn rename(&self, from: &Address, to: &Address, recorded: &Recorded) -> Result<Outputs, Refused> {
        let (from, to, outputs) = (from.clone(), to.clone(), recorded.outputs.clone());
        self.apart(move |site| site.rename(&from, &to, outputs)).await
    }

    async fn delete(&self, address: &Address, _: &Recorded) -> Result<(), Refused> {
        let address = address.clone();
        self.apart(move |site| site.remove(&address)).await
    }
}

impl Site {
    fn read(&self, wanted: &[Address]) -> Result<BTreeMap<Address, Observed>, Refused> {
        if !self.place.data.exists() {
            return Ok(BTreeMap::new());
        }
        let running = match wanted.iter().any(|it| it.kind == "local.node") {
            true => site::status(&self.place)?.nodes,
            false => BTreeMap::new(),
        };
        let machine = Machine::open(&self.place.machine).map_err(|err| refused(&err))?;
        let mut found = BTreeMap::new();
        for address in wanted {
            let observed = self.find(address, &machine, &running).map_err(|err| world(address, &err))?;
            found.extend(observed.map(|it| (address.clone(), it)));
        }
        Ok(found)
    }

    fn find(
        &self,
        address: &Address,
        machine: &Machine,
        running: &BTreeMap<Name, NodeStatus>,
    ) -> io::Result<Option<Observed>> {
        let (place, name) = (&self.place, &address.name);
        Ok(match address.kind.as_str() {
            "local.address" => machine
                .address(&place.key, name.as_str())
                .map(|it| Observed { inputs: it.inputs.clone(), outputs: text("address", &it.value) }),
            "local.port" => machine
                .port(&place.key, name.as_str())
                .map(|it| Observed { inputs: it.inputs.clone(), outputs: text("port", &it.value) }),
            "local.password" => match (password::length(place, name)?, password::version(place, name)?) {
                (Some(length), Some(version)) => Some(Observed {
                    inputs: one("length", Value::Int(i64::try_from(length).map_err(io::Error::other)?)),
                    outputs: text("version", &version),
                }),
                _ => None,
            },
            "local.certificate" => certificate::find(place, name, self.now)?
                .map(|it| Observed { inputs: certificate_inputs(&it), outputs: certificate_outputs(&it) }),
            "local.directory" => kept(&self.directory_record(name))?
                .filter(|_| self.directory(name).exists())
                .map(|inputs| Observed { inputs, outputs: text("path", &self.directory(name).display()) }),
            "local.node" => kept(&self.node_record(name))?.map(|mut inputs| {
                let runs = running.get(name).is_some_and(is_running);
                inputs.insert("running".to_owned(), Value::Bool(runs));
                Observed { inputs, outputs: text("name", name) }
            }),
            _ => None,
        })
    }

    fn make(&self, address: &Address, inputs: &Inputs) -> Result<Outputs, Refused> {
        let (place, name) = (&self.place, &address.name);
        let wrong = |err: io::Error| Refused::new(err.to_string());
        place.make().map_err(wrong)?;
        match address.kind.as_str() {
            "local.address" => {
                let mut machine = Machine::open(&place.machine).map_err(|err| refused(&err))?;
                machine.give_address(&place.key, name.as_str(), inputs).map(|it| text("address", &it))
            }
            "local.port" => {
                let own: IpAddr = input(inputs, "address")?;
                let public: bool = input(inputs, "public")?;
                let both = [own, IpAddr::V4(Ipv4Addr::LOCALHOST)];
                let addresses = if public { &both[..] } else { &both[..1] };
                let mut machine = Machine::open(&place.machine).map_err(|err| refused(&err))?;
                machine.give_port(&place.key, name.as_str(), inputs, addresses).map(|it| text("port", &it))
            }
            "local.password" => {
                let length = input(inputs, "length")?;
                Ok(text("version", &password::make(place, name, length).map_err(wrong)?))
            }
            "local.certificate" => {
                let hosts: Vec<String> = input(inputs, "hosts")?;
                let directory: Option<PathBuf> =
                    inputs.contains_key("directory").then(|| input(inputs, "directory")).transpose()?;
                let issued = certificate::issue(place, name, &hosts, directory.as_deref(), self.now);
                Ok(certificate_outputs(&issued.map_err(wrong)?))
            }
            "local.directory" => {
                let path = self.directory(name);
                make_folder(&path, place.account.as_ref()).map_err(wrong)?;
                keep(&self.directory_record(name), inputs).map_err(wrong)?;
                Ok(text("path", &path.display()))
            }
            "local.node" => self.activate(address, inputs),
            _ => Err(unknown(address)),
        }
    }

    /// Addresses and ports are known by a name on the machine's list. What has its name in a path that somebody has open
    /// is not renamed.
    fn rename(&self, from: &Address, to: &Address, outputs: Outputs) -> Result<Outputs, Refused> {
        match from.kind.as_str() {
            "local.address" | "local.port" if from.kind == to.kind => {
                let mut machine = Machine::open(&self.place.machine).map_err(|err| refused(&err))?;
                machine.rename(&self.place.key, from.name.as_str(), to.name.as_str())?;
                Ok(outputs)
            }
            kind => Err(Refused::new(format!(
                "{from} cannot become {to}: a `{kind}` of this machine keeps its name"
            ))
            .help("take the call to moved() away: it is then made anew under its new name")),
        }
    }

    fn remove(&self, address: &Address) -> Result<(), Refused> {
        let (place, name) = (&self.place, &address.name);
        let wrong = |err: io::Error| Refused::new(err.to_string());
        let machine = || Machine::open(&place.machine).map_err(|err| refused(&err));
        match address.kind.as_str() {
            "local.address" => machine()?.take_address(&place.key, name.as_str()),
            "local.port" => machine()?.take_port(&place.key, name.as_str()),
            "local.password" => password::forget(place, name).map_err(wrong),
            "local.certificate" => certificate::remove(place, name).map_err(wrong),
            "local.directory" => {
                site::remove(&self.directory(name)).map_err(wrong)?;
                forget(&self.directory_record(name)).map_err(wrong)
            }
            "local.node" => self.stop(name).map_err(wrong),
            _ => Err(unknown(address)),
        }
    }

    fn activate(&self, address: &Address, inputs: &Inputs) -> Result<Outputs, Refused> {
        let name = &address.name;
        let wrong = |err: io::Error| Refused::new(err.to_string());
        let closure: Digest = input(inputs, "closure")?;
        let bindings: Bindings = input(inputs, "bindings")?;
        let client = reach(&self.place).map_err(wrong)?;
        let request = Request::Activate { node: name.clone(), closure, bindings: Box::new(bindings) };
        match client.ask(&request, &*self.objects, &self.secrets).map_err(wrong)? {
            Answer::Activated(Ok(_)) => {
                keep(&self.node_record(name), inputs).map_err(wrong)?;
                Ok(text("name", name))
            }
            Answer::Activated(Err(err)) => Err(not_activated(err)),
            Answer::Failed(why) => Err(Refused::new(why)),
            Answer::Status(_) | Answer::Done => Err(Refused::new("the supervisor misunderstood")),
        }
    }

    fn stop(&self, name: &Name) -> io::Result<()> {
        let layout = self.place.layout(name.as_str());
        match connect(&self.place)? {
            Some(client) => match client.ask_plainly(&Request::Stop(name.clone()))? {
                Answer::Failed(why) => return Err(io::Error::other(why)),
                Answer::Done | Answer::Status(_) | Answer::Activated(_) => (),
            },
            None => sweep(&layout.root)?,
        }
        site::remove(&layout.run)?;
        site::remove(&layout.root)
    }

    fn directory(&self, name: &Name) -> PathBuf {
        self.place.directories().join(name.as_str())
    }

    fn directory_record(&self, name: &Name) -> PathBuf {
        self.place.directories().join(format!("{name}.json"))
    }

    fn node_record(&self, name: &Name) -> PathBuf {
        self.place.layout(name.as_str()).root.join("inputs.json")
    }
}

/// Records what something was made from.
fn keep(record: &Path, inputs: &Inputs) -> io::Result<()> {
    write_private(record, &serde_json::to_vec(inputs)?, None)
}

/// What something was made from; none when it was not.
fn kept(record: &Path) -> io::Result<Option<Inputs>> {
    match fs::read(record) {
        Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
        Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(err) => Err(err),
    }
}

/// Whether every daemon of a node runs, or is about to.
fn is_running(node: &NodeStatus) -> bool {
    let runs = |it: DaemonState, pid: Option<u32>| match it {
        DaemonState::Ready | DaemonState::Starting => true,
        DaemonState::Failing => pid.is_some(),
        DaemonState::Stopped => false,
    };
    !node.is_empty() && node.values().all(|it| runs(it.state, it.pid))
}

/// The input `key` as a noun.
fn input<T: DeserializeOwned>(inputs: &Inputs, key: &str) -> Result<T, Refused> {
    let value = inputs.get(key).ok_or_else(|| Refused::new(format!("`{key}` is missing")))?;
    value.parse().map_err(|err| Refused::new(format!("`{key}`: {err}")))
}

fn certificate_inputs(issued: &certificate::Issued) -> Inputs {
    let mut inputs = one("hosts", Value::List(issued.hosts.iter().map(|it| it.as_str().into()).collect()));
    let directory =
        issued.directory.as_ref().map(|it| ("directory".to_owned(), it.display().to_string().into()));
    inputs.extend(directory);
    inputs
}

fn certificate_outputs(issued: &certificate::Issued) -> Outputs {
    let paths = [("certificate", &issued.certificate), ("key", &issued.key), ("ca", &issued.ca)];
    paths.into_iter().map(|(name, path)| (name.to_owned(), path.display().to_string().into())).collect()
}

fn text(name: &str, value: &dyn ToString) -> Outputs {
    one(name, value.to_string().into())
}

fn one(name: &str, value: Value) -> BTreeMap<String, Value> {
    BTreeMap::from([(name.to_owned(), value)])
}

fn forget(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

fn not_activated(err: ActivationError) -> Refused {
    let undone = err.undone.iter().map(|it| format!("undone: {it}"));
    let said: Vec<String> = err.detail.into_iter().chain(undone).collect();
    Refused {
        message: err.message,
        detail: Some(said.join("\n")).filter(|it| !it.is_empty()),
        help: err.help,
    }
}

fn world(address: &Address, err: &io::Error) -> Refused {
    Refused::new(format!("{address}: {err}"))
}

fn unknown(address: &Address) -> Refused {
    Refused::new(format!("this machine knows no type `{}`", address.kind))
}
