//! Who does something, and from where.
//!
//! Knows nothing of what they may do.

use super::digest::{Hash, digest};
use super::user::{User, UserId, UserName};
use serde::{Deserialize, Serialize, Serializer};
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// Longest name of a local user that is kept, in characters: Linux allows 32 (useradd(8)).
pub const LOCAL_NAME_LEN_MAX: usize = 32;

/// Who has done something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// Somebody who is signed in at the console.
    User(UserId, UserName),
    /// Somebody at the command line of the terminal itself.
    Local {
        /// The system's number for the user.
        uid: u32,
        /// The system's name for the user.
        name: String,
    },
    /// Whoever looks after the fleet, by an order that was signed.
    Fleet {
        /// The name of the key.
        key: String,
    },
    /// The program itself.
    Terminal,
}

impl Actor {
    /// Somebody at the command line; of a longer name the first 32 characters are kept.
    pub fn local(uid: u32, name: &str) -> Self {
        Self::Local { uid, name: name.chars().take(LOCAL_NAME_LEN_MAX).collect() }
    }
}

impl From<&User> for Actor {
    fn from(user: &User) -> Self {
        Self::User(user.id, user.name.clone())
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(_, name) => f.write_str(name.as_str()),
            Self::Local { uid, name } => write!(f, "{name} (uid {uid})"),
            Self::Fleet { key } => write!(f, "the fleet's operator (key {key})"),
            Self::Terminal => f.write_str("the terminal"),
        }
    }
}

/// Where a request comes from. Displayed as an address or as `socket`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Peer {
    /// A machine in the network.
    Network(IpAddr),
    /// The terminal's own Unix socket.
    Socket,
}

impl Peer {
    /// The machine with this address; an IPv4 address stays one if it comes over IPv6.
    pub fn network(address: IpAddr) -> Self {
        Self::Network(address.to_canonical())
    }

    /// Everything that one household or attacker has: an IPv4 address, or a /64 of IPv6.
    pub(super) fn net(self) -> Net {
        match self {
            Self::Network(address) => match address.to_canonical() {
                IpAddr::V4(address) => Net::V4(address.octets()),
                IpAddr::V6(address) => {
                    let [a, b, c, d, e, f, g, h, ..] = address.octets();
                    Net::V6([a, b, c, d, e, f, g, h])
                }
            },
            Self::Socket => Net::Socket,
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Network(address) => address.to_canonical().fmt(f),
            Self::Socket => f.write_str("socket"),
        }
    }
}

/// Who asks, and from where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Who.
    pub actor: Actor,
    /// From where.
    pub peer: Peer,
}

/// A text that names no peer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no address; write an IP address or socket")]
pub struct UnknownPeer(String);

impl FromStr for Peer {
    type Err = UnknownPeer;

    fn from_str(text: &str) -> Result<Self, UnknownPeer> {
        match text {
            "socket" => Ok(Self::Socket),
            text => match text.parse() {
                Ok(address) => Ok(Self::network(address)),
                Err(_) => Err(UnknownPeer(text.chars().take(64).collect())),
            },
        }
    }
}

impl Serialize for Peer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What counts as one address where tries are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Net {
    /// An address.
    V4([u8; 4]),
    /// The first 64 bits.
    V6([u8; 8]),
    /// The terminal itself.
    Socket,
}

impl Net {
    /// A name for this user's sign-ins from here that tells neither.
    pub(super) fn place(self, user: UserId) -> Hash {
        let user = user.number().to_be_bytes();
        match self {
            Self::V4(octets) => digest("place", &[&user, b"4", &octets]),
            Self::V6(octets) => digest("place", &[&user, b"6", &octets]),
            Self::Socket => digest("place", &[&user, b"socket"]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(text: &str) -> Peer {
        text.parse().expect("a peer")
    }

    #[test]
    fn a_peer_is_written_as_it_is_read() {
        for text in ["192.0.2.7", "2001:db8::7", "socket"] {
            assert_eq!(peer(text).to_string(), text);
        }
        assert_eq!(peer("::ffff:192.0.2.7"), peer("192.0.2.7"));
        "192.0.2".parse::<Peer>().expect_err("no address");
    }

    #[test]
    fn all_of_a_64_is_one_address() {
        assert_eq!(peer("2001:db8::7").net(), peer("2001:db8::ffff:8").net());
        assert_ne!(peer("2001:db8::7").net(), peer("2001:db8:0:1::7").net());
        assert_ne!(peer("192.0.2.7").net(), peer("192.0.2.8").net());
        let (one, other) = (UserId::new(1), UserId::new(2));
        assert_ne!(peer("192.0.2.7").net().place(one), peer("192.0.2.7").net().place(other));
    }

    #[test]
    fn an_actor_is_kept_as_json() {
        let local = Actor::local(1000, &"x".repeat(99));
        let fleet = Actor::Fleet { key: "0011223344556677".to_owned() };
        for actor in [local, fleet, Actor::Terminal] {
            let json = serde_json::to_string(&actor).expect("JSON");
            assert_eq!(serde_json::from_str::<Actor>(&json).expect("an actor"), actor);
        }
        let json = r#"{"user":[7,"anna"]}"#;
        let anna: Actor = serde_json::from_str(json).expect("an actor");
        assert_eq!(anna.to_string(), "anna");
        assert_eq!(serde_json::to_string(&anna).expect("JSON"), json);
    }
}
