//! Which settings may come from afar.
//!
//! An operator's key must not be able to send money elsewhere, let others into a terminal, write
//! where it likes or run programs. So what is allowed is named, and a setting that a later version
//! brings is refused until somebody has thought about it.

/// Keys that may come from afar; what ends in `.` stands for all below it.
const ALLOWED: &[&str] = &[
    "alarm.",
    "display.alternate_s",
    "display.brightness",
    "display.colors.",
    "display.large_text",
    "display.second_language",
    "display.theme",
    "display.warning_s",
    "klarna.availability",
    "klarna.availability_order",
    "klarna.captures_per_s",
    "klarna.descriptor",
    "klarna.management_per_s",
    "klarna.poll_ms",
    "payment.",
    "receipt.columns",
    "receipt.disclaimer",
    "terminal.currencies",
    "terminal.locale",
    "terminal.merchant",
    "terminal.time_zone",
    "till.ack_timeout_s",
    "till.card_type",
];

/// Complaints about keys in `overlay` that may not come from afar; none if all may.
pub fn not_allowed(overlay: &toml::Table) -> Vec<String> {
    let mut found = Vec::new();
    look("", overlay, &mut found);
    found
}

fn look(above: &str, table: &toml::Table, found: &mut Vec<String>) {
    for (name, value) in table {
        let key = format!("{above}{name}");
        match value {
            // That a section is there may mean something, even if nothing stands in it.
            toml::Value::Table(below) if below.is_empty() => {
                if !is_allowed(&key) && !leads_to_allowed(&key) {
                    found.push(complaint(&key));
                }
            }
            toml::Value::Table(below) => look(&format!("{key}."), below, found),
            toml::Value::String(_)
            | toml::Value::Integer(_)
            | toml::Value::Float(_)
            | toml::Value::Boolean(_)
            | toml::Value::Datetime(_)
            | toml::Value::Array(_) => {
                if !is_allowed(&key) {
                    found.push(complaint(&key));
                }
            }
        }
    }
}

fn complaint(key: &str) -> String {
    format!("{key}: may not be set from afar, only in the terminal's own file")
}

/// Whether something below the section `key` is allowed.
fn leads_to_allowed(key: &str) -> bool {
    let section = format!("{key}.");
    ALLOWED.iter().any(|allowed| allowed.starts_with(&section))
}

fn is_allowed(key: &str) -> bool {
    ALLOWED.iter().any(|allowed| match allowed.ends_with('.') {
        true => key.starts_with(allowed),
        false => key == *allowed,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_cannot_be_sent_elsewhere_and_no_program_can_be_run() {
        for line in [
            "store.path = \"/tmp/x\"",
            "klarna.environment = \"live\"",
            "klarna.base_url = \"https://evil.example\"",
            "klarna.account_id = \"X\"",
            "klarna.api_key = \"X\"",
            "klarna.api_key_file = \"/x\"",
            "klarna.extra_ca_file = \"/x\"",
            "klarna.proxy = \"http://evil.example\"",
            "klarna.paths.capture = \"/x\"",
            "klarna.qr_hosts = [\"evil.example\"]",
            "klarna.redirect_url = \"https://evil.example\"",
            "klarna.create_extra = { x = 1 }",
            "klarna.originators = [\"X\"]",
            "terminal.store = \"S1\"",
            "terminal.terminal = \"T1\"",
            "push.fleet_keys = []",
            "push = {fleet_keys = [\"x\"]}",
            "console.listen = \"0.0.0.0:1\"",
            "till.listen = \"0.0.0.0:1\"",
            "till.password = \"000000\"",
            "metrics.file = \"/etc/passwd\"",
            "display.path = \"/etc/passwd\"",
            "display.speech = [\"sh\"]",
            "display.short_link = \"evil.example\"",
            "receipt.printer_command = [\"sh\"]",
            "receipt.printer_device = \"/dev/sda\"",
            "log.filter = \"debug\"",
            "payment2.timeout_s = 1",
            "payment = 1",
            "display.theme2 = \"x\"",
            "[console]",
            "console = {}",
            "[console.tls]",
            "[push]",
            "[webhook]",
            "[klarna.paths]",
            "klarna.create_extra = {}",
            "[payment2]",
            "[display.theme2]",
            "\"\" = {}",
        ] {
            let overlay = toml::from_str(line).expect(line);
            assert_eq!(not_allowed(&overlay).len(), 1, "{line}");
        }
    }

    #[test]
    fn what_a_shop_looks_like_may_be_set() {
        let overlay = "display.theme = \"dark\"\npayment.timeout_s = 120\n[display.colors]\n\
                       ink = \"#000000\"\n[alarm]\nqueue_length = 3\n";
        let overlay = toml::from_str(overlay).expect("TOML");
        assert_eq!(not_allowed(&overlay), Vec::<String>::new());
        for nothing in ["", "[payment]", "[display]", "[display.colors]", "alarm = {}"] {
            let overlay = toml::from_str(nothing).expect(nothing);
            assert_eq!(not_allowed(&overlay), Vec::<String>::new(), "{nothing}");
        }
    }
}
