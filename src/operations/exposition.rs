//! Metrics as text: OpenMetrics 1.0 for whoever asks over HTTP, and Prometheus' own format 0.0.4
//! for a file that node_exporter reads.
//!
//! The two differ here in what a counter's family is called and in how the text ends. Names and
//! label values are the caller's constants; nothing in them is escaped.

use std::fmt::{Display, Write as _};

/// Who reads the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A collector that asks (OpenMetrics 1.0).
    OpenMetrics,
    /// node_exporter's textfile collector (Prometheus' text format 0.0.4).
    Prometheus,
}

/// What kind of thing is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It goes up and down.
    Gauge,
    /// It only grows, from zero at the start.
    Counter,
    /// A sum and how many make it.
    Summary,
    /// How many are up to each of some bounds.
    Histogram,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Gauge => "gauge",
            Self::Counter => "counter",
            Self::Summary => "summary",
            Self::Histogram => "histogram",
        }
    }
}

/// A text in the making. Names are given without its prefix, those of counters without `_total`;
/// a name that ends with `_seconds` says its unit.
#[derive(Debug)]
pub struct Exposition {
    format: Format,
    prefix: &'static str,
    text: String,
}

impl Exposition {
    /// Nothing yet; every name will begin with `prefix`.
    pub fn new(format: Format, prefix: &'static str) -> Self {
        Self { format, prefix, text: String::new() }
    }

    /// A gauge without labels.
    pub fn gauge(&mut self, name: &str, help: &str, value: u64) {
        self.head(Kind::Gauge, name, help);
        self.sample(name, "", &value);
    }

    /// A gauge or counter with one label: its name, and each of its values with a number.
    pub fn labelled(
        &mut self,
        kind: Kind,
        (name, label): (&str, &str),
        help: &str,
        values: &[(&str, u64)],
    ) {
        self.head(kind, name, help);
        let ending = if kind == Kind::Counter { "_total" } else { "" };
        let name = format!("{name}{ending}");
        for (value, number) in values {
            self.sample(&name, &format!("{{{label}=\"{value}\"}}"), number);
        }
    }

    /// What a family is, before its samples.
    pub fn head(&mut self, kind: Kind, name: &str, help: &str) {
        let ending = match (self.format, kind) {
            (Format::Prometheus, Kind::Counter) => "_total",
            (Format::Prometheus | Format::OpenMetrics, _) => "",
        };
        let (name, kind) = (format!("{}{name}{ending}", self.prefix), kind.word());
        let _ = writeln!(self.text, "# TYPE {name} {kind}");
        if name.ends_with("_seconds") {
            let _ = writeln!(self.text, "# UNIT {name} seconds");
        }
        let _ = writeln!(self.text, "# HELP {name} {help}");
    }

    /// One line: `name` with its ending, labels in braces if there are any, and the number.
    pub fn sample(&mut self, name: &str, labels: &str, value: &dyn Display) {
        let _ = writeln!(self.text, "{}{name}{labels} {value}", self.prefix);
    }

    /// The whole text.
    pub fn finish(mut self) -> String {
        if self.format == Format::OpenMetrics {
            self.text.push_str("# EOF\n");
        }
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(format: Format) -> String {
        let mut text = Exposition::new(format, "shop_");
        text.gauge("oldest_seconds", "Age.", 7);
        let values = [("push", 1), ("poll", u64::MAX)];
        text.labelled(Kind::Counter, ("found", "by"), "Changes.", &values);
        text.finish()
    }

    #[test]
    fn a_counters_family_has_its_ending_in_one_format_alone() {
        let open = "# TYPE shop_oldest_seconds gauge\n# UNIT shop_oldest_seconds seconds\n\
                    # HELP shop_oldest_seconds Age.\nshop_oldest_seconds 7\n\
                    # TYPE shop_found counter\n# HELP shop_found Changes.\n\
                    shop_found_total{by=\"push\"} 1\n\
                    shop_found_total{by=\"poll\"} 18446744073709551615\n# EOF\n";
        assert_eq!(text(Format::OpenMetrics), open);
        let file = open
            .replace("# TYPE shop_found", "# TYPE shop_found_total")
            .replace("# HELP shop_found", "# HELP shop_found_total")
            .replace("# EOF\n", "");
        assert_eq!(text(Format::Prometheus), file);
    }
}
