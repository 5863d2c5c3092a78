//! Who holds a port.

use std::{
    fmt, fs, io,
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener},
};

/// A process that listens on a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Its number; none when it belongs to somebody whose processes we may not look into.
    pub pid: Option<u32>,
    /// Its command line.
    pub command: String,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pid {
            Some(pid) => write!(f, "process {pid} ({})", self.command),
            None => write!(f, "{}", self.command),
        }
    }
}

/// Who keeps us from listening on `address`; none when it is free.
///
/// Sources: `bind(2)`, `/proc/net/tcp` (`proc(5)`), `/proc/*/fd`.
pub fn holder(address: SocketAddr) -> io::Result<Option<Holder>> {
    match TcpListener::bind(address) {
        Ok(_) => Ok(None),
        Err(err) if err.kind() == io::ErrorKind::AddrInUse => Ok(Some(find(address)?)),
        Err(err) => Err(io::Error::new(err.kind(), format!("{address}: {err}"))),
    }
}

fn find(address: SocketAddr) -> io::Result<Holder> {
    let inodes = listening(address)?;
    for process in fs::read_dir("/proc")? {
        let process = process?;
        let name = process.file_name();
        let Some(pid) = name.to_str().and_then(|it| it.parse::<u32>().ok()) else { continue };
        // A process may end, or be somebody else's, while we look at it: then it is not the one we can name.
        let Ok(open) = fs::read_dir(process.path().join("fd")) else { continue };
        let links = open.filter_map(|it| fs::read_link(it.ok()?.path()).ok());
        if links.into_iter().any(|it| inodes.iter().any(|inode| it.as_os_str() == inode.as_str())) {
            return Ok(Holder { pid: Some(pid), command: command_line(pid) });
        }
    }
    Ok(Holder { pid: None, command: "a process of another user".to_owned() })
}

/// What `/proc/<pid>/fd` says of the sockets that listen where `address` would.
fn listening(address: SocketAddr) -> io::Result<Vec<String>> {
    const LISTEN: &str = "0A";
    let table = fs::read_to_string("/proc/net/tcp")?;
    let sockets = table.lines().skip(1).filter_map(|line| {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        let (ip, port) = words.get(1)?.split_once(':')?;
        let ip = Ipv4Addr::from(u32::from_str_radix(ip, 16).ok()?.to_le_bytes());
        let port = u16::from_str_radix(port, 16).ok()?;
        let here = port == address.port() && (ip.is_unspecified() || IpAddr::V4(ip) == address.ip());
        (here && words.get(3) == Some(&LISTEN)).then(|| words.get(9).map(|it| format!("socket:[{it}]")))?
    });
    Ok(sockets.collect())
}

fn command_line(pid: u32) -> String {
    match fs::read(format!("/proc/{pid}/cmdline")) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).replace('\0', " ").trim_end().to_owned(),
        Err(_) => "it has ended since".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_traced_to_the_process_that_holds_it() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let found = holder(address).unwrap().unwrap();
        assert_eq!(found.pid, Some(std::process::id()));
        drop(listener);
        assert_eq!(holder(address).unwrap(), None);
    }
}
