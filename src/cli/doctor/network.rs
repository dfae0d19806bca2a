//! The way to Klarna, step by step: an interface, a route, a name, a connection, a handshake and an
//! answer. What is asked for changes nothing at Klarna.

use super::finding::{Finding, bounded};
use super::shake::{Broken, shaken};
use crate::acquirer::klarna::{ClientError, Klarna, Settings, tls};
use crate::acquirer::{Acquirer, Exchange};
use crate::config::Config;
use std::fs;
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs as _};
use std::path::Path;
use std::time::{Duration, Instant};

const INTERFACE: &str = "network";
const ROUTE: &str = "route";
const DNS: &str = "DNS";
const TCP: &str = "connection";
const TLS: &str = "TLS";
const ANSWER: &str = "Klarna";

/// A name that takes longer makes sales feel broken.
const NAME_TIME_MAX: Duration = Duration::from_secs(3);
/// For one address; and how many of them are tried.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(5);
const ADDRESSES_MAX: usize = 3;
/// A little more than the client's own limit.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(20);
/// `RTF_UP` and `RTF_REJECT` (`include/uapi/linux/route.h`).
const ROUTE_UP: u32 = 0x1;
const ROUTE_REJECTS: u32 = 0x200;

/// All steps, and what Klarna's answer says about the clock. Without a configuration only those
/// that are this machine's.
pub(super) fn check(config: Option<&Config>) -> (Vec<Finding>, Option<Exchange>) {
    let Some(settings) = config.map(|config| &config.klarna) else {
        let remedy = "correct the configuration first";
        let skipped = Finding::skip(ANSWER, "its address is not known", remedy);
        return (vec![interfaces(false), route(false), skipped], None);
    };
    let (host, port) = match target(settings) {
        Ok(target) => target,
        Err(why) => {
            let remedy = "correct klarna.base_url or klarna.proxy";
            return (vec![Finding::fail(ANSWER, why, remedy)], None);
        }
    };
    let addresses = resolved(&host, port);
    let is_here = addresses.as_ref().is_ok_and(|(found, _)| found.iter().all(is_loopback));
    let mut found = vec![interfaces(is_here), route(is_here)];
    let addresses = match addresses {
        Ok((addresses, took)) => {
            found.push(Finding::ok(DNS, named(&host, &addresses, took)));
            addresses
        }
        Err(why) => {
            let remedy = "look at /etc/resolv.conf, the router, and whether the network needs a \
                          proxy (klarna.proxy)";
            found.push(Finding::fail(DNS, format!("{host} has no address: {why}"), remedy));
            return (found, None);
        }
    };
    let (steps, exchange) = reached(settings, &host, &addresses);
    found.extend(steps);
    (found, exchange)
}

/// The host that is connected to: Klarna's, or the proxy's.
fn target(settings: &Settings) -> Result<(String, u16), String> {
    let url = settings.proxy.as_deref().unwrap_or(&settings.base_url);
    // A proxy's URL may carry a password: it is not repeated.
    let parsed = reqwest::Url::parse(url).map_err(|error| format!("no URL: {error}"))?;
    let host = parsed.host_str().ok_or("the URL names no host")?;
    let port = parsed.port_or_known_default().ok_or("the URL names no port")?;
    Ok((host.trim_matches(['[', ']']).to_owned(), port))
}

fn is_loopback(address: &SocketAddr) -> bool {
    address.ip().is_loopback()
}

fn interfaces(is_here: bool) -> Finding {
    let up: Vec<String> = fs::read_dir("/sys/class/net")
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| is_up(&entry.path()))
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name != "lo")
        .collect();
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let mut addresses = addresses_v4(&read("/proc/net/fib_trie"));
    addresses.extend(addresses_v6(&read("/proc/net/if_inet6")));
    let (up, list) = (up.join(", "), addresses.join(", "));
    let remedy = "plug the cable in or join the wireless network; then look at DHCP";
    match (up.is_empty(), addresses.is_empty()) {
        (false, false) => Finding::ok(INTERFACE, format!("{up} up; {list}")),
        _ if is_here => Finding::ok(INTERFACE, "none is needed: the host is this machine"),
        (true, _) => Finding::fail(INTERFACE, "no interface is up", remedy),
        (false, true) => Finding::fail(INTERFACE, format!("{up} up, without an address"), remedy),
    }
}

fn is_up(interface: &Path) -> bool {
    let state = super::device::line(&interface.join("operstate"));
    state.is_some_and(|state| state == "up" || state == "unknown")
}

/// This machine's own addresses, by the kernel's table of routes.
fn addresses_v4(fib_trie: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut last = "";
    for line in fib_trie.lines().map(str::trim) {
        match line.strip_prefix("|-- ") {
            Some(address) => last = address,
            None if line == "/32 host LOCAL" && !last.starts_with("127.") => {
                found.push(last.to_owned());
            }
            None => {}
        }
    }
    found.sort();
    found.dedup();
    found
}

/// This machine's own addresses that are good beyond the next cable.
fn addresses_v6(if_inet6: &str) -> Vec<String> {
    let entries = if_inet6.lines().filter_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let &[address, _, _, scope, ..] = fields.as_slice() else { return None };
        let address = u128::from_str_radix(address, 16).ok()?;
        // Scope 00 is global (`include/net/ipv6.h`).
        (scope == "00").then(|| IpAddr::V6(address.into()).to_string())
    });
    entries.collect()
}

fn route(is_here: bool) -> Finding {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let mut through = default_v4(&read("/proc/net/route"));
    through.extend(default_v6(&read("/proc/net/ipv6_route")));
    through.sort();
    through.dedup();
    match (through.is_empty(), is_here) {
        (false, _) => Finding::ok(ROUTE, format!("default route through {}", through.join(", "))),
        (true, true) => Finding::ok(ROUTE, "none is needed: the host is this machine"),
        (true, false) => {
            let remedy = "look at DHCP, or set the gateway: nothing beyond this network is reached";
            Finding::fail(ROUTE, "there is no default route", remedy)
        }
    }
}

fn default_v4(route: &str) -> Vec<String> {
    let entries = route.lines().filter_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let &[name, to, _, flags, _, _, _, mask, ..] = fields.as_slice() else { return None };
        let flags = u32::from_str_radix(flags, 16).ok()?;
        let is_default = to == "00000000" && mask == "00000000";
        (is_default && is_used(flags)).then(|| name.to_owned())
    });
    entries.collect()
}

fn default_v6(ipv6_route: &str) -> Vec<String> {
    let entries = ipv6_route.lines().filter_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let &[to, length, .., flags, name] = fields.as_slice() else { return None };
        let flags = u32::from_str_radix(flags, 16).ok()?;
        let is_default = to.bytes().all(|b| b == b'0') && length == "00" && name != "lo";
        (is_default && is_used(flags)).then(|| name.to_owned())
    });
    entries.collect()
}

fn is_used(flags: u32) -> bool {
    flags & ROUTE_UP != 0 && flags & ROUTE_REJECTS == 0
}

/// The addresses of a host and how long that took. The system's resolver has no limit of its own
/// that is short enough.
///
/// # Errors
/// Why there are none, in words.
pub(super) fn resolved(host: &str, port: u16) -> Result<(Vec<SocketAddr>, Duration), String> {
    let (started, host) = (Instant::now(), host.to_owned());
    let asked = bounded(NAME_TIME_MAX, move || {
        (host.as_str(), port).to_socket_addrs().map(Iterator::collect::<Vec<_>>)
    });
    let found = asked?.map_err(|error| error.to_string())?;
    match found.is_empty() {
        true => Err("the answer is empty".to_owned()),
        false => Ok((found, started.elapsed())),
    }
}

fn named(host: &str, addresses: &[SocketAddr], took: Duration) -> String {
    if host.parse::<IpAddr>().is_ok() {
        return format!("{host} is an address, no name is asked for");
    }
    let list: Vec<String> =
        addresses.iter().take(ADDRESSES_MAX).map(|address| address.ip().to_string()).collect();
    format!("{host} is {} ({} ms)", list.join(", "), took.as_millis())
}

fn reached(
    settings: &Settings,
    host: &str,
    addresses: &[SocketAddr],
) -> (Vec<Finding>, Option<Exchange>) {
    let mut found = Vec::new();
    let stream = match connected(addresses) {
        Ok((stream, address, took)) => {
            let proxy = if settings.proxy.is_some() { " (the proxy)" } else { "" };
            let text = format!("TCP to {address}{proxy} in {} ms", took.as_millis());
            found.push(Finding::ok(TCP, text));
            stream
        }
        Err(why) => {
            let remedy = "let the firewall pass TCP 443 to Klarna, or name the shop's proxy in \
                          klarna.proxy";
            return (vec![Finding::fail(TCP, why, remedy)], None);
        }
    };
    // Behind a proxy the handshake comes after words that only the client knows.
    if settings.proxy.is_none() {
        let shaken = handshake(stream, host, settings.extra_ca.as_deref());
        let is_broken = shaken.is_err();
        found.push(match shaken {
            Ok(text) => Finding::ok(TLS, text),
            Err((why, remedy)) => Finding::fail(TLS, why, remedy),
        });
        if is_broken {
            return (found, None);
        }
    }
    let (answer, exchange) = answer(settings);
    found.push(answer);
    (found, exchange)
}

/// A connection to the first address that answers, which one, and how long that took.
///
/// # Errors
/// Why none does, in words.
pub(super) fn connected(
    addresses: &[SocketAddr],
) -> Result<(TcpStream, SocketAddr, Duration), String> {
    let mut why = String::new();
    for address in addresses.iter().take(ADDRESSES_MAX) {
        let started = Instant::now();
        match TcpStream::connect_timeout(address, CONNECT_TIME_MAX) {
            Ok(stream) => return Ok((stream, *address, started.elapsed())),
            Err(error) => why = format!("no connection to {address}: {error}"),
        }
    }
    Err(why)
}

/// As the client does it, so that what is wrong with a certificate can be said in words.
fn handshake(
    stream: TcpStream,
    host: &str,
    extra_ca: Option<&[u8]>,
) -> Result<String, (String, &'static str)> {
    let unusable = |error: ClientError| (error.to_string(), "correct klarna.extra_ca_file");
    let config = tls(extra_ca).map_err(unusable)?;
    let failed = |why: &dyn std::fmt::Display| {
        let remedy = "a firewall or proxy may be in between: ask whoever runs the network";
        (format!("the handshake with {host} failed: {why}"), remedy)
    };
    let shaken = shaken(stream, host, config).map_err(|broken| match broken {
        Broken::Certificate(why) => certificate(host, &why),
        Broken::NoTls => {
            let remedy = "sign in at the network's portal, or name the proxy in klarna.proxy";
            (format!("what answers for {host} speaks no TLS"), remedy)
        }
        Broken::Refused(alert) => failed(&format!("it was refused ({alert:?})")),
        Broken::Other(why) => failed(&why),
    })?;
    let (version, took) = (shaken.version, shaken.took.as_millis());
    Ok(format!("{version} with {host} in {took} ms, its certificate is good"))
}

/// What is wrong with a certificate, and who can do something about it.
fn certificate(host: &str, why: &rustls::CertificateError) -> (String, &'static str) {
    use rustls::CertificateError as E;
    match why {
        E::UnknownIssuer | E::BadSignature => (
            format!("the certificate of {host} was issued by nobody that this program trusts"),
            "a proxy that reads along, or a test host: name its authority in klarna.extra_ca_file; \
             with an old program: update it",
        ),
        E::Expired | E::ExpiredContext { .. } => (
            format!("the certificate of {host} has expired, by this machine's clock"),
            "see the line about the clock; if that is right, the host's certificate is at fault",
        ),
        E::NotValidYet | E::NotValidYetContext { .. } => (
            format!("the certificate of {host} is not valid yet, by this machine's clock"),
            "set the clock: it is behind",
        ),
        E::NotValidForName | E::NotValidForNameContext { .. } => (
            format!("whoever answers for {host} has a certificate of another host"),
            "sign in at the network's portal, look at DNS, or name the proxy in klarna.proxy",
        ),
        other => (
            format!("the certificate of {host} is not accepted: {other}"),
            "ask whoever runs the network whether something is in between",
        ),
    }
}

/// Asks the question that keeps the daemon's connection warm; it is about no payment.
fn answer(settings: &Settings) -> (Finding, Option<Exchange>) {
    let client = match Klarna::new(settings.clone()) {
        Ok(client) => Acquirer::Klarna(client),
        Err(error) => {
            let remedy = "correct the section [klarna]";
            return (Finding::fail(ANSWER, error.to_string(), remedy), None);
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            return (Finding::fail(ANSWER, error.to_string(), "restart the machine"), None);
        }
    };
    let asked =
        runtime.block_on(async { tokio::time::timeout(ANSWER_TIME_MAX, client.warm_up()).await });
    let reason = match asked {
        Ok(Ok(())) => None,
        Ok(Err(delay)) => Some(delay.reason),
        Err(_) => Some(format!("no answer within {} s", ANSWER_TIME_MAX.as_secs())),
    };
    let exchange = client.last_exchange();
    (answered(exchange, reason), exchange)
}

fn answered(exchange: Option<Exchange>, reason: Option<String>) -> Finding {
    let Some(exchange) = exchange else {
        let remedy = "see the lines above; behind a proxy, ask whoever runs it";
        return Finding::fail(ANSWER, reason.unwrap_or_default(), remedy);
    };
    let found = format!("answers with HTTP {} in {} ms", exchange.status, exchange.took_ms);
    match exchange.status {
        200..=299 => Finding::ok(ANSWER, found),
        401 => {
            let remedy = "it refuses the API key: make a new one in Klarna's portal, and look \
                          whether it is of this environment";
            Finding::fail(ANSWER, found, remedy)
        }
        403 => {
            let remedy = "it refuses this account or this address: look at klarna.account_id, and \
                          ask Klarna";
            Finding::warn(ANSWER, found, remedy)
        }
        500..=599 => Finding::warn(ANSWER, found, "it is at fault itself: wait, calls are kept"),
        _ => Finding::warn(ANSWER, found, "look at the section [klarna] of the configuration"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIB: &str = "Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
Local:
  +-- 0.0.0.0/0 3 0 5
     |-- 127.0.0.1
        /32 host LOCAL
     |-- 192.168.1.7
        /32 host LOCAL
     |-- 192.168.1.255
        /32 link BROADCAST
     |-- 192.168.1.7
        /32 host LOCAL
";

    #[test]
    fn own_addresses_are_read_from_the_kernels_tables() {
        assert_eq!(addresses_v4(FIB), ["192.168.1.7"]);
        let inet6 = "00000000000000000000000000000001 01 80 10 80       lo\n\
            fe80000000000000021122fffe334455 02 40 20 80     eth0\n\
            20010db8000000000000000000000007 02 40 00 80     eth0\nshort\n";
        assert_eq!(addresses_v6(inet6), ["2001:db8::7"]);
    }

    #[test]
    fn default_routes_are_those_that_are_used() {
        let v4 = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\n\
            eth0\t00000000\t0101A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n\
            eth1\t00000000\t0101A8C0\t0203\t0\t0\t100\t00000000\t0\t0\t0\n\
            eth2\t0001A8C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0\n";
        assert_eq!(default_v4(v4), ["eth0"]);
        let zeros = "0".repeat(32);
        let entry = |flags: &str, name: &str| {
            format!("{zeros} 00 {zeros} 00 {zeros} 00000400 00000001 00000000 {flags} {name}\n")
        };
        let v6 = format!("{}{}", entry("00000003", "eth0"), entry("00200200", "lo"));
        assert_eq!(default_v6(&v6), ["eth0"]);
        assert!(default_v6("").is_empty() && default_v4("").is_empty());
    }

    #[test]
    fn the_status_says_whose_fault_it_is() {
        let said = |status| {
            answered(Some(Exchange { took_ms: 7, status, ahead_s: None }), None).text(false)
        };
        assert!(said(200).starts_with("ok") && said(200).contains("HTTP 200 in 7 ms"));
        assert!(said(401).starts_with("FAIL") && said(401).contains("API key"));
        assert!(said(403).starts_with("warn") && said(403).contains("account"));
        assert!(said(503).starts_with("warn") && said(503).contains("calls are kept"));
        assert!(answered(None, Some("timed out".to_owned())).is_failure());
    }

    #[test]
    fn each_certificate_error_has_its_own_remedy() {
        use rustls::CertificateError as E;
        let remedies = [
            (E::UnknownIssuer, "extra_ca_file"),
            (E::Expired, "clock"),
            (E::NotValidYet, "set the clock"),
            (E::NotValidForName, "portal"),
            (E::Revoked, "in between"),
        ];
        for (error, word) in remedies {
            let (found, remedy) = certificate("api.example", &error);
            assert!(found.contains("api.example") && remedy.contains(word), "{found}: {remedy}");
        }
    }
}
