//! Ports of the loopback address, for tests and benches with programs of their own.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

/// Only something that is stuck takes this long to start.
const START: Duration = Duration::from_secs(20);
const LOOK: Duration = Duration::from_millis(20);

/// One that nobody has.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    listener.local_addr().expect("an address").port()
}

/// Waits until somebody listens there.
#[allow(dead_code)]
pub fn listens(port: u16, who: &str) {
    let until = Instant::now() + START;
    while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
        assert!(Instant::now() < until, "{who} does not listen");
        std::thread::sleep(LOOK);
    }
}
