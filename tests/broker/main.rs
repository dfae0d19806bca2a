//! What needs a real MQTT broker: `.ci/broker` installs mosquitto and runs these.

mod fleet;
mod line;
mod mosquitto;
mod relay;
#[allow(dead_code)]
#[path = "../it/terminal.rs"]
mod shop;
mod terminal;
