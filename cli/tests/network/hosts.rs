//! Hosts of a test: network namespaces.

use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Namespaces, which are gone when this is dropped.
pub(super) struct Hosts {
    names: Vec<String>,
    bridge: String,
}

/// Runs `ip`; whether it did what it was asked to.
fn ip(arguments: &str) -> bool {
    let status =
        Command::new("ip").args(arguments.split(' ')).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

impl Hosts {
    /// So many hosts on one network; none where they cannot be made.
    pub(super) fn new(size: usize) -> Option<Hosts> {
        // Names of interfaces are short; another test's process has another number.
        let id = std::process::id() % 100_000;
        let bridge = format!("tw{id}");
        if !ip(&format!("link add {bridge} type bridge")) {
            return None;
        }
        let mut hosts = Hosts { names: Vec::new(), bridge };
        let bridge = &hosts.bridge;
        if !ip(&format!("link set {bridge} up")) {
            return None;
        }
        for host in 0..size {
            let (name, outside, inside) =
                (format!("tw{id}h{host}"), format!("tw{id}o{host}"), format!("tw{id}i{host}"));
            hosts.names.push(name.clone());
            let made = ip(&format!("netns add {name}"))
                && ip(&format!("link add {outside} type veth peer name {inside} netns {name}"))
                && ip(&format!("link set {outside} master {} up", hosts.bridge))
                && ip(&format!("-n {name} addr add {}/24 dev {inside}", Hosts::address(host)))
                && ip(&format!("-n {name} link set {inside} up"))
                && ip(&format!("-n {name} link set lo up"));
            if !made {
                return None;
            }
        }
        Some(hosts)
    }

    /// A host's address.
    pub(super) fn address(host: usize) -> String {
        format!("10.213.57.{}", host + 1)
    }

    fn on(&self, host: usize, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.names[host], program]);
        command
    }

    /// Starts the program on a host.
    pub(super) fn start(&self, host: usize, folder: &Path, arguments: &[&str]) -> Child {
        let mut command = self.on(host, env!("CARGO_BIN_EXE_tweedie"));
        command.args(arguments).current_dir(folder).env("TWEEDIE_SECRET", "of the test");
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Asks for a page from a host; what came back, if anybody listens there.
    pub(super) fn knock(&self, host: usize, address: &str, port: u16) -> Option<Vec<u8>> {
        let door = format!("/dev/tcp/{address}/{port}");
        let ask = r"printf 'GET / HTTP/1.1\r\n\r\n' >&3";
        let script = format!("{{ exec 3<>{door}; }} 2>/dev/null || exit 1; {ask}; timeout 1 cat <&3; true");
        let output = self.on(host, "bash").args(["-c", &script]).output().ok()?;
        output.status.success().then_some(output.stdout)
    }

    /// Takes a host's link down.
    pub(super) fn cut(&self, host: usize) {
        self.link(host, "down");
    }

    /// Takes it up again.
    pub(super) fn mend(&self, host: usize) {
        self.link(host, "up");
    }

    fn link(&self, host: usize, state: &str) {
        let outside = self.names[host].replace('h', "o");
        assert!(ip(&format!("link set {outside} {state}")));
    }
}

impl Drop for Hosts {
    fn drop(&mut self) {
        for name in &self.names {
            ip(&format!("netns del {name}"));
        }
        ip(&format!("link del {}", self.bridge));
    }
}
