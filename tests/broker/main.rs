//! What needs a real MQTT broker: `.ci/broker` installs mosquitto and runs these.

mod account;
mod fleet;
mod line;
mod mosquitto;
mod port;
mod program;
mod relay;
#[allow(dead_code)]
#[path = "../it/terminal.rs"]
mod shop;
mod terminal;
mod trouble;
