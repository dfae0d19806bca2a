//! Payment-terminal daemon for Klarna: placeholder of the map.
