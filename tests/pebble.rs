//! An ACME directory of a test's own: Debian's pebble, with a name server that finds every host on this machine.

use std::{
    fs,
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command},
};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use tempfile::TempDir;

use crate::shop::{curl, eventually};

/// A directory; its processes end when it is dropped.
pub(crate) struct Pebble {
    folder: TempDir,
    ports: Ports,
    servers: Vec<Child>,
}

struct Ports {
    directory: u16,
    management: u16,
    names: u16,
    records: u16,
}

impl Pebble {
    /// A directory that looks at the port `http` of this machine. What it issues is good for `life` seconds; it refuses
    /// the host `blocked`.
    pub(crate) fn new(http: u16, life: u32, blocked: &str) -> Self {
        let mut pebble = Self::down();
        let folder = pebble.folder.path();
        let ports = &pebble.ports;
        let config = serde_json::json!({ "pebble": {
            "listenAddress": format!("127.0.0.1:{}", ports.directory),
            "managementListenAddress": format!("127.0.0.1:{}", ports.management),
            "certificate": folder.join("own.pem"), "privateKey": folder.join("own.key"),
            "httpPort": http, "tlsPort": free_port(), "ocspResponderURL": "",
            "externalAccountBindingRequired": false, "domainBlocklist": [blocked],
            "certificateValidityPeriod": life,
        }});
        let path = folder.join("pebble.json");
        fs::write(&path, config.to_string()).unwrap();
        let names = format!("127.0.0.1:{}", ports.names);
        let mut server = Command::new("pebble-challtestsrv");
        server.args(["-http01", "", "-https01", "", "-tlsalpn01", "", "-defaultIPv6", "", "-dns01", &names]);
        server.args(["-management", &format!("127.0.0.1:{}", ports.records)]);
        let mut directory = Command::new("pebble");
        directory.arg("-config").arg(path).args(["-dnsserver", &names]).env("PEBBLE_VA_NOSLEEP", "1");
        for command in [&mut server, &mut directory] {
            let said = fs::File::create(folder.join(format!("{}.log", pebble.servers.len()))).unwrap();
            let both = said.try_clone().unwrap();
            pebble.servers.push(command.stdout(said).stderr(both).spawn().unwrap());
        }
        let url = pebble.directory();
        let ca = pebble.ca();
        eventually("pebble answers", || {
            let asked =
                Command::new("curl").args(["--silent", "--cacert", ca.to_str().unwrap(), &url]).output();
            asked.unwrap().status.success()
        });
        pebble
    }

    /// A directory that does not answer: nothing listens on its port.
    pub(crate) fn down() -> Self {
        let folder = tempfile::Builder::new().prefix("mops-pebble-").tempdir().unwrap();
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.distinguished_name.push(DnType::CommonName, "vouches for pebble");
        let authority = params.self_signed(&key).unwrap();
        let authority_key = Issuer::new(params, key);
        let own = KeyPair::generate().unwrap();
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let signed = CertificateParams::new(names).unwrap().signed_by(&own, &authority_key).unwrap();
        for (name, text) in
            [("ca.pem", authority.pem()), ("own.pem", signed.pem()), ("own.key", own.serialize_pem())]
        {
            fs::write(folder.path().join(name), text).unwrap();
        }
        let [directory, management, names, records] = [(); 4].map(|()| free_port());
        Self { folder, ports: Ports { directory, management, names, records }, servers: Vec::new() }
    }

    /// The URL of the directory.
    pub(crate) fn directory(&self) -> String {
        format!("https://127.0.0.1:{}/dir", self.ports.directory)
    }

    /// The certificate that vouches for the directory.
    pub(crate) fn ca(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// A file with the root of what it issues.
    pub(crate) fn root(&self) -> String {
        let url = format!("https://127.0.0.1:{}/roots/0", self.ports.management);
        let root = curl(&url, self.ca().to_str().unwrap(), &[]).body;
        let path = self.folder.path().join("root.pem");
        fs::write(&path, root).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// Where records of the name server are set.
    pub(crate) fn records(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports.records)
    }
}

impl Drop for Pebble {
    fn drop(&mut self) {
        for server in &mut self.servers {
            server.kill().unwrap();
            server.wait().unwrap();
        }
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
