//! The machine's list: which site has which address and which port.
//!
//! **Invariant:** the list is read and written under one lock; two sites never have the same address or port.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use mops_apply::{Inputs, Refused};
use mops_node::{holder, write_private};
use nix::fcntl::{Flock, FlockArg};
use serde::{Deserialize, Serialize};

/// The first port that is given away: above those of common services, below those the kernel gives to outgoing
/// connections (32768, `ip_local_port_range` in `ip(7)`).
const FIRST_PORT: u16 = 20_000;
const LAST_PORT: u16 = 32_767;
/// The first address: 127.0.0.1 is everybody's, 127.0.1.1 is the machine's name on Debian.
const FIRST_ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 0, 1, 2);
const LAST_ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 0, 255, 254);

/// The machine's list, held by its lock.
pub(crate) struct Machine {
    path: PathBuf,
    list: List,
    _lock: Flock<File>,
}

/// What was given away, by site and resource.
#[derive(Debug, Default, Serialize, Deserialize)]
struct List {
    addresses: BTreeMap<String, BTreeMap<String, Given<Ipv4Addr>>>,
    ports: BTreeMap<String, BTreeMap<String, Given<u16>>>,
}

/// Something that was given away, and to what.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Given<T> {
    pub(crate) value: T,
    pub(crate) inputs: Inputs,
}

impl Machine {
    /// Opens the list in the folder `machine`, when nobody else has it.
    pub(crate) fn open(machine: &Path) -> io::Result<Self> {
        fs::create_dir_all(machine)?;
        let file = File::options().create(true).append(true).mode(0o600).open(machine.join("lock"))?;
        let lock = Flock::lock(file, FlockArg::LockExclusive).map_err(|(_, err)| io::Error::from(err))?;
        let path = machine.join("list.json");
        let list = match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes)?,
            Err(err) if err.kind() == io::ErrorKind::NotFound => List::default(),
            Err(err) => return Err(err),
        };
        Ok(Self { path, list, _lock: lock })
    }

    /// The address of a resource.
    pub(crate) fn address(&self, site: &str, name: &str) -> Option<&Given<Ipv4Addr>> {
        self.list.addresses.get(site)?.get(name)
    }

    /// The port of a resource.
    pub(crate) fn port(&self, site: &str, name: &str) -> Option<&Given<u16>> {
        self.list.ports.get(site)?.get(name)
    }

    /// Gives an address to a resource, the same again when it has one.
    pub(crate) fn give_address(
        &mut self,
        site: &str,
        name: &str,
        inputs: &Inputs,
    ) -> Result<Ipv4Addr, Refused> {
        let kept = self.address(site, name).map(|it| it.value);
        let taken: BTreeSet<Ipv4Addr> = self.list.addresses.values().flatten().map(|it| it.1.value).collect();
        let mut free = (u32::from(FIRST_ADDRESS)..=u32::from(LAST_ADDRESS)).map(Ipv4Addr::from);
        let ends_well = |it: &Ipv4Addr| !matches!(it.octets()[3], 0 | 255);
        let found = kept.or_else(|| free.find(|it| ends_well(it) && !taken.contains(it)));
        let value = found.ok_or_else(|| Refused::new("no loopback address is left on this machine"))?;
        let given = Given { value, inputs: inputs.clone() };
        self.list.addresses.entry(site.to_owned()).or_default().insert(name.to_owned(), given);
        self.save()?;
        Ok(value)
    }

    /// Gives a port that is free on all of `addresses` to a resource, the same again when it has one.
    pub(crate) fn give_port(
        &mut self,
        site: &str,
        name: &str,
        inputs: &Inputs,
        addresses: &[IpAddr],
    ) -> Result<u16, Refused> {
        let value = match self.port(site, name).map(|it| it.value) {
            Some(kept) => kept,
            None => self.free_port(addresses)?,
        };
        let given = Given { value, inputs: inputs.clone() };
        self.list.ports.entry(site.to_owned()).or_default().insert(name.to_owned(), given);
        self.save()?;
        Ok(value)
    }

    /// Lets the address or port that a resource has be that of another name; what that name has already stays.
    pub(crate) fn rename(&mut self, site: &str, from: &str, to: &str) -> Result<(), Refused> {
        rename(self.list.addresses.get_mut(site), from, to);
        rename(self.list.ports.get_mut(site), from, to);
        self.save()
    }

    /// Takes back an address.
    pub(crate) fn take_address(&mut self, site: &str, name: &str) -> Result<(), Refused> {
        self.list.addresses.get_mut(site).and_then(|it| it.remove(name));
        self.save()
    }

    /// Takes back a port.
    pub(crate) fn take_port(&mut self, site: &str, name: &str) -> Result<(), Refused> {
        self.list.ports.get_mut(site).and_then(|it| it.remove(name));
        self.save()
    }

    /// Takes back everything that a site has.
    pub(crate) fn take_all(&mut self, site: &str) -> Result<(), Refused> {
        self.list.addresses.remove(site);
        self.list.ports.remove(site);
        self.save()
    }

    fn free_port(&self, addresses: &[IpAddr]) -> Result<u16, Refused> {
        let taken: BTreeSet<u16> = self.list.ports.values().flatten().map(|it| it.1.value).collect();
        for port in (FIRST_PORT..=LAST_PORT).filter(|it| !taken.contains(it)) {
            let mut holders = addresses.iter().map(|it| holder(SocketAddr::new(*it, port)));
            if holders
                .try_fold(true, |free, it| Ok::<_, io::Error>(free && it?.is_none()))
                .map_err(|err| refused(&err))?
            {
                return Ok(port);
            }
        }
        Err(Refused::new(format!("no port from {FIRST_PORT} to {LAST_PORT} is free on this machine")))
    }

    fn save(&self) -> Result<(), Refused> {
        let bytes = serde_json::to_vec_pretty(&self.list).map_err(|err| Refused::new(err.to_string()))?;
        write_private(&self.path, &bytes, None).map_err(|err| refused(&err))
    }
}

fn rename<T>(given: Option<&mut BTreeMap<String, T>>, from: &str, to: &str) {
    let Some(given) = given else { return };
    if let Some(it) = given.remove(from) {
        given.entry(to.to_owned()).or_insert(it);
    }
}

/// The machine said no to something that its list needs.
pub(crate) fn refused(err: &io::Error) -> Refused {
    Refused::new(format!("this machine's addresses and ports: {err}"))
}
