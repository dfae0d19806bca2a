//! A reader of OpenMetrics 1.0 that forgives nothing: what a collector might shrug at is refused.
//!
//! It knows only what this project writes: families with a type, one level of braces, no time
//! stamps and no exemplars.

use std::collections::{BTreeMap, BTreeSet};

/// Labels in the order in which they stand.
type Labels = Vec<(String, String)>;

/// A text that was read.
#[derive(Debug, Default)]
pub struct Exposition {
    /// Type of each family.
    pub families: BTreeMap<String, String>,
    /// Sample with its labels, as written, and its number, as written.
    samples: BTreeMap<String, String>,
}

impl Exposition {
    /// Reads all of it; else says which line is wrong.
    pub fn read(text: &str) -> Result<Self, String> {
        let lines = text.strip_suffix("# EOF\n").ok_or("it does not end with # EOF")?;
        if !lines.is_empty() && !lines.ends_with('\n') {
            return Err("# EOF has no line of its own".to_owned());
        }
        let mut reading = Reading::default();
        for line in lines.split_terminator('\n') {
            reading.line(line).map_err(|why| format!("{why}: {line:?}"))?;
        }
        reading.end_family()?;
        reading.names_are_apart()?;
        Ok(reading.done)
    }

    /// The number of a sample such as `a_total{by="push"}`, as written.
    pub fn value(&self, sample: &str) -> &str {
        let found = self.samples.get(sample);
        found.unwrap_or_else(|| panic!("there is no {sample}: {:#?}", self.samples))
    }

    /// Names of all samples, without labels.
    pub fn names(&self) -> BTreeSet<String> {
        let bare = |sample: &String| sample.split('{').next().unwrap_or_default().to_owned();
        self.samples.keys().map(bare).collect()
    }
}

#[derive(Default)]
struct Reading {
    done: Exposition,
    family: Option<Family>,
    /// Every name that a family takes, with its endings.
    taken: Vec<BTreeSet<String>>,
}

/// The family whose lines are being read.
struct Family {
    name: String,
    kind: Option<String>,
    unit: bool,
    help: bool,
    samples: Vec<(String, Labels, String)>,
}

impl Reading {
    fn line(&mut self, line: &str) -> Result<(), String> {
        if line.is_empty() || line.contains(['\r', '\t']) || line.trim() != line {
            return Err("no such blanks".to_owned());
        }
        match line.strip_prefix("# ") {
            Some(about) => self.about(about),
            None if line.starts_with('#') => Err("no such comment".to_owned()),
            None => self.sample(line),
        }
    }

    fn about(&mut self, about: &str) -> Result<(), String> {
        let mut words = about.splitn(3, ' ');
        let (Some(what), Some(name), Some(text)) = (words.next(), words.next(), words.next())
        else {
            return Err("too few words".to_owned());
        };
        is_name(name, ":")?;
        if self.family.as_ref().is_none_or(|family| family.name != name) {
            self.end_family()?;
            if self.done.families.contains_key(name) {
                return Err("a family stands in two places".to_owned());
            }
            let (name, samples) = (name.to_owned(), Vec::new());
            self.family = Some(Family { name, kind: None, unit: false, help: false, samples });
        }
        let family = self.family.as_mut().expect("just begun");
        if !family.samples.is_empty() {
            return Err("after samples".to_owned());
        }
        let is_first = match what {
            "TYPE" => family.kind.replace(text.to_owned()).is_none(),
            "UNIT" if name.ends_with(&format!("_{text}")) => {
                !std::mem::replace(&mut family.unit, true)
            }
            "HELP" => {
                unescaped(text)?;
                !std::mem::replace(&mut family.help, true)
            }
            _ => return Err("neither TYPE, HELP nor the name's own UNIT".to_owned()),
        };
        is_first.then_some(()).ok_or("said twice".to_owned())
    }

    fn sample(&mut self, line: &str) -> Result<(), String> {
        let (sample, value) = line.rsplit_once(' ').ok_or("no number")?;
        let (name, labels) = match sample.split_once('{') {
            Some((name, rest)) => (name, labels(rest.strip_suffix('}').ok_or("no }")?)?),
            None => (sample, Vec::new()),
        };
        is_name(name, ":")?;
        let family = self.family.as_mut().ok_or("of no family")?;
        let kind = family.kind.as_deref().ok_or("of a family without type")?;
        let ending = name.strip_prefix(&family.name).ok_or("of another family")?;
        let at_most: &[&str] = match (kind, ending) {
            ("gauge", "")
            | ("counter", "_total")
            | ("summary" | "histogram", "_sum" | "_count") => &[],
            ("histogram", "_bucket") => &["le"],
            _ => return Err(format!("a {kind} has no {ending:?}")),
        };
        let keys: BTreeSet<&str> = labels.iter().map(|(key, _)| key.as_str()).collect();
        if keys.len() != labels.len() || at_most.iter().any(|key| !keys.contains(key)) {
            return Err("a label twice, or none where one belongs".to_owned());
        }
        is_number(value, kind != "gauge")?;
        family.samples.push((name.to_owned(), labels, value.to_owned()));
        match self.done.samples.insert(sample.to_owned(), value.to_owned()) {
            None => Ok(()),
            Some(_) => Err("said twice".to_owned()),
        }
    }

    fn end_family(&mut self) -> Result<(), String> {
        let Some(family) = self.family.take() else { return Ok(()) };
        let Family { name, kind, help, samples, .. } = family;
        let Some(kind) = kind.filter(|_| help && !samples.is_empty()) else {
            return Err(format!("{name} lacks a type, a help or samples"));
        };
        if name.ends_with("_total") {
            return Err(format!("{name}: the family is called without _total"));
        }
        if kind == "histogram" {
            is_histogram(&samples).map_err(|why| format!("{name}: {why}"))?;
        }
        let endings: &[&str] = match kind.as_str() {
            "counter" => &["", "_total", "_created"],
            "summary" => &["", "_sum", "_count", "_created"],
            "histogram" => &["", "_bucket", "_sum", "_count", "_created"],
            _ => &[""],
        };
        self.taken.push(endings.iter().map(|ending| format!("{name}{ending}")).collect());
        self.done.families.insert(name, kind);
        Ok(())
    }

    fn names_are_apart(&self) -> Result<(), String> {
        let mut all = BTreeSet::new();
        match self.taken.iter().flatten().find(|name| !all.insert(*name)) {
            Some(name) => Err(format!("{name} can be of two families")),
            None => Ok(()),
        }
    }
}

fn is_name(name: &str, more: &str) -> Result<(), String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || more.contains(c);
    let begins = name.starts_with(|c: char| !c.is_ascii_digit());
    let is_ours = begins && name.chars().all(fits);
    is_ours.then_some(()).ok_or(format!("{name:?} is no name"))
}

/// `key="value",...`, where a value may hold braces, commas and blanks.
fn labels(mut rest: &str) -> Result<Labels, String> {
    let mut found = Labels::new();
    loop {
        let (key, after) = rest.split_once("=\"").ok_or("a label without value")?;
        is_name(key, "")?;
        if key.starts_with("__") {
            return Err(format!("{key} is not for us"));
        }
        let mut is_escaped = false;
        let end = after.find(|c| {
            let ends = c == '"' && !is_escaped;
            is_escaped = c == '\\' && !is_escaped;
            ends
        });
        let (value, after) = after.split_at(end.ok_or("a value without end")?);
        unescaped(value)?;
        found.push((key.to_owned(), value.to_owned()));
        rest = match &after[1..] {
            "" => return Ok(found),
            more => more.strip_prefix(',').ok_or("no comma between labels")?,
        };
    }
}

fn unescaped(text: &str) -> Result<(), String> {
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        if letter == '\\' && !matches!(letters.next(), Some('\\' | 'n' | '"')) {
            return Err("no such escape".to_owned());
        }
    }
    Ok(())
}

fn is_number(text: &str, only_grows: bool) -> Result<(), String> {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let (sign, amount) = match text.strip_prefix('-') {
        Some(amount) => (true, amount),
        None => (false, text),
    };
    let is_decimal = match amount.split_once('.') {
        Some((whole, part)) => digits(whole) && digits(part),
        None => digits(amount),
    };
    match is_decimal && !(sign && only_grows) {
        true => Ok(()),
        false => Err(format!("{text:?} is no number here")),
    }
}

/// Buckets in ascending order up to +Inf, each at least as full as the one before; the last is the
/// count.
fn is_histogram(samples: &[(String, Labels, String)]) -> Result<(), String> {
    let mut before = (f64::NEG_INFINITY, 0_u64);
    for (_, labels, value) in samples.iter().filter(|(name, ..)| name.ends_with("_bucket")) {
        let bound = labels.iter().find(|(key, _)| key == "le").map(|(_, bound)| bound.as_str());
        let bound = bound.ok_or("a bucket without le")?;
        let is_canonical =
            bound == "+Inf" || (bound.contains('.') && is_number(bound, true).is_ok());
        let number = bound.parse::<f64>().map_err(|error| error.to_string())?;
        let count = value.parse::<u64>().map_err(|error| error.to_string())?;
        if !is_canonical || number <= before.0 || count < before.1 {
            return Err(format!("the bucket {bound} does not follow"));
        }
        before = (number, count);
    }
    let count = samples.iter().find(|(name, ..)| name.ends_with("_count"));
    let has_sum = samples.iter().any(|(name, ..)| name.ends_with("_sum"));
    let is_whole = count.is_some_and(|(_, _, count)| *count == before.1.to_string());
    match has_sum && is_whole && before.0.is_infinite() {
        true => Ok(()),
        false => Err("buckets, count and sum do not belong together".to_owned()),
    }
}

#[test]
fn what_is_no_openmetrics_is_refused() {
    let head = "# TYPE a counter\n# HELP a Things.\n";
    let gauge = "# TYPE a_seconds gauge\n# UNIT a_seconds seconds\n# HELP a_seconds Time.\n";
    let histogram = "# TYPE h histogram\n# HELP h Times.\nh_bucket{le=\"0.5\"} 1\n\
                     h_bucket{le=\"+Inf\"} 2\nh_count 2\nh_sum 1.5\n";
    for good in [
        format!("{head}a_total 1\n"),
        format!("{head}a_total{{by=\"x, \\\"}}\",to=\"\"}} 1\na_total{{by=\"y\"}} 2.5\n"),
        format!("{gauge}a_seconds -1\n{head}a_total 0\n"),
        histogram.to_owned(),
        String::new(),
    ] {
        Exposition::read(&format!("{good}# EOF\n")).expect(&good);
    }
    let with = |from: &str, to: &str| histogram.replace(from, to);
    for bad in [
        format!("{head}a 1\n"),
        format!("{head}a_total -1\n"),
        format!("{head}a_total NaN\n"),
        format!("{head}a_total  1\n"),
        format!("{head}a_total 1 1700000000\n"),
        format!("{head}a_total 1\r\n"),
        format!("{head}\na_total 1\n"),
        format!("{head}a_total 1\na_total 1\n"),
        format!("{head}a_total{{by=\"x\",}} 1\n"),
        format!("{head}a_total{{by=\"x\",by=\"y\"}} 1\n"),
        format!("{head}a_total{{by=\"\\x\"}} 1\n"),
        format!("{head}a_total{{by=x}} 1\n"),
        format!("{head}{head}a_total 1\n"),
        format!("{head}a_total 1\n{gauge}a_seconds 1\n{head}a_total{{by=\"x\"}} 1\n"),
        format!("{head}a_total 1\n# HELP a Things.\n"),
        format!("{head}b_total 1\n"),
        format!("{head}a_total 1\n# TYPE a_total gauge\n# HELP a_total x.\na_total 1\n"),
        "# TYPE a_total counter\n# HELP a_total x.\na_total_total 1\n".to_owned(),
        "# TYPE a counter\na_total 1\n".to_owned(),
        "# HELP a Things.\na_total 1\n".to_owned(),
        "a_total 1\n".to_owned(),
        "# a comment\n".to_owned(),
        gauge.replace("UNIT a_seconds seconds", "UNIT a_seconds bytes") + "a_seconds 1\n",
        gauge.to_owned(),
        with("0.5", "1"),
        with("h_count 2", "h_count 3"),
        with("h_bucket{le=\"+Inf\"} 2", "h_bucket{le=\"+Inf\"} 0"),
        with("h_bucket{le=\"+Inf\"} 2\n", ""),
        with("h_sum 1.5\n", ""),
        "# EOF\n".to_owned(),
    ] {
        let read = Exposition::read(&format!("{bad}# EOF\n"));
        assert!(read.is_err(), "{bad}");
    }
    for end in ["", "# EOF", "# EOF\n\n", "# EOF\nx 1\n"] {
        assert!(Exposition::read(&format!("{head}a_total 1\n{end}")).is_err(), "{end}");
    }
    assert!(Exposition::read(&format!("{head}a_total 1# EOF\n")).is_err());
}
