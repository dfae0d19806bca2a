//! Whether an address that the daemon listens at is the daemon's, or free for it.

use super::finding::Finding;
use super::service::Daemon;
use rustix::io::Errno;
use rustix::net::sockopt::set_socket_reuseaddr;
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, socket_with};
use std::net::SocketAddr;

/// The address that the configuration has at `key`.
pub(super) fn check(name: &'static str, key: &str, listen: SocketAddr, daemon: Daemon) -> Finding {
    match (bound(listen), daemon) {
        (Err(Errno::ADDRINUSE), Daemon::Runs) => {
            Finding::ok(name, format!("TCP {listen}, the running daemon listens there"))
        }
        (Err(Errno::ADDRINUSE), Daemon::Unknown) => {
            let remedy = "run this as the service's user";
            Finding::skip(name, format!("TCP {listen} is in use, perhaps by the daemon"), remedy)
        }
        (Err(Errno::ADDRINUSE), Daemon::Absent) => {
            let remedy =
                format!("stop it (ss -ltnp 'sport = :{}'), or change {key}", listen.port());
            Finding::fail(name, format!("TCP {listen} is in use by another program"), remedy)
        }
        (Ok(()), Daemon::Runs) => {
            let remedy = "start the daemon again; perhaps the configuration has changed since";
            Finding::fail(name, format!("the daemon runs and does not listen on {listen}"), remedy)
        }
        (Ok(()), Daemon::Absent | Daemon::Unknown) => {
            Finding::ok(name, format!("TCP {listen} is free for the daemon"))
        }
        (Err(Errno::ADDRNOTAVAIL), _) => {
            let remedy = format!("set {key} to an address of `ip address`, or to 0.0.0.0");
            Finding::fail(name, format!("{} is no address of this machine", listen.ip()), remedy)
        }
        (Err(Errno::ACCESS), _) => {
            let remedy = format!("choose a port from 1024 on in {key}");
            Finding::fail(name, format!("TCP {listen} is for the superuser alone"), remedy)
        }
        (Err(error), _) => {
            Finding::fail(name, format!("TCP {listen}: {error}"), format!("look at {key}"))
        }
    }
}

/// Takes the address for a moment without listening, so that nobody comes in by mistake.
fn bound(listen: SocketAddr) -> Result<(), Errno> {
    let family = if listen.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let socket = socket_with(family, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    // As the daemon does: connections of yesterday are no obstacle.
    set_socket_reuseaddr(&socket, true)?;
    bind(&socket, &listen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_free_taken_or_nobodys() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("an address");
        let taken = listener.local_addr().expect("its number");
        let text = |listen, daemon| check("till link", "till.listen", listen, daemon).text(false);
        assert!(text(taken, Daemon::Runs).starts_with("ok "), "held by the daemon");
        assert!(text(taken, Daemon::Unknown).starts_with("skip"), "perhaps held by it");
        let said = text(taken, Daemon::Absent);
        assert!(said.starts_with("FAIL") && said.contains("another program"), "{said}");
        assert!(said.contains("change till.listen"), "{said}");
        drop(listener);
        assert!(text(taken, Daemon::Absent).contains("is free for the daemon"));
        assert!(text(taken, Daemon::Runs).contains("does not listen"));
        let elsewhere = "192.0.2.1:9100".parse().expect("an address for documentation");
        assert!(text(elsewhere, Daemon::Absent).contains("no address of this machine"));
    }
}
