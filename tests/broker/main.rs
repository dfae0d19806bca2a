//! What needs a real MQTT broker: `.ci/broker` installs mosquitto and runs these.

mod line;
mod mosquitto;
