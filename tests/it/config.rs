//! The configuration as people get it wrong: what is said, and what is never said.

use klarna_terminald::config::{Config, Overrides};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const TEST_KEY: &str = "klarna_test_api_aGVsbG8";
const LIVE_KEY: &str = "klarna_live_api_c2VjcmV0";

const GOOD: &str = r#"
[terminal]
store = "S12"
terminal = "T3"
merchant = "Example Store"
locale = "de-DE"
currencies = ["EUR"]

[till]
link = "serial"
port = "/dev/ttyUSB0"

[klarna]
environment = "test"
account_id = "krn:partner:global:account:test:X"
redirect_url = "https://shop.example/thanks"

[store]
path = "/var/lib/klarna-terminald/terminal.sqlite"

[display]
output = "framebuffer"
"#;

/// A place for key files; each case gets a fresh one.
struct Desk {
    directory: TempDir,
    overrides: Overrides,
}

impl Desk {
    /// A test key in the environment.
    fn new() -> Self {
        let desk = Self {
            directory: TempDir::new().expect("temporary directory"),
            overrides: Overrides::default(),
        };
        desk.set("KLARNA_TERMINALD__KLARNA__API_KEY", TEST_KEY)
    }

    fn set(mut self, name: &str, value: &str) -> Self {
        self.overrides.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.directory.path().join(name);
        std::fs::write(&path, content).expect("a file");
        path
    }

    fn load(&self, toml: &str) -> Result<Config, String> {
        let loaded = Config::from_text(toml, Path::new("terminal.toml"), &self.overrides);
        let loaded = loaded.map_err(|error| {
            let printed = format!("{error}\n{error:?}");
            for key in [TEST_KEY, LIVE_KEY] {
                assert!(!printed.contains(key), "a secret in a complaint: {printed}");
            }
            error.to_string()
        });
        if let Ok(config) = &loaded {
            let printed = format!("{config:?}\n{config:#?}\n{}", config.summary());
            for key in [TEST_KEY, LIVE_KEY] {
                assert!(!printed.contains(key), "a secret is printed: {printed}");
            }
        }
        loaded
    }

    /// `toml` must be refused with a complaint that has all these lines in it.
    fn refuses(&self, toml: &str, complaints: &[&str]) {
        let error = self.load(toml).map(|config| config.summary()).expect_err("must be refused");
        for complaint in complaints {
            assert!(error.contains(complaint), "{error}\ndoes not say: {complaint}");
        }
    }

    /// `toml` must be taken, and the summary has this line in it.
    fn takes(&self, toml: &str, line: &str) {
        let summary = self.load(toml).expect("must be taken").summary();
        assert!(summary.contains(line), "{summary}\ndoes not say: {line}");
    }
}

/// The good file with one line exchanged.
fn good_but(line: &str, other: &str) -> String {
    assert!(GOOD.contains(line), "{line}");
    GOOD.replace(line, other)
}

/// The good file with a line more in a section.
fn good_and(section: &str, line: &str) -> String {
    good_but(&format!("[{section}]"), &format!("[{section}]\n{line}"))
}

#[test]
fn the_smallest_good_file() {
    let summary = Desk::new().load(GOOD).expect("good").summary();
    let expected = "\
terminal     S12-T3 at Example Store
takes        EUR
till         serial /dev/ttyUSB0, 115200 baud, EightNoneOne, checksums optional
klarna       Test at https://api-global.test.klarna.com
account      krn:partner:global:account:test:X
api key      present, not shown
availability Interoperability, asked WithCreate
qr hosts     .klarna.com
capture      as soon as the till has acknowledged the result
time-outs    shopper 300 s, till's acknowledgement 60 s, Klarna's first answer 20 s
database     /var/lib/klarna-terminald/terminal.sqlite
alarms       a call waits for 24 h, 200 calls wait, an authorisation has 3 of 28 days left
metrics      not written
display      framebuffer /dev/fb0, turned by 0 degrees
languages    de, unless the till names another one
receipts     32 columns, the last words are that they are not fiscal
printer      none but the till's
console      no pages; commands: the daemon's user
push         none; Klarna is asked at klarna.poll_ms
log          Text, info
";
    assert_eq!(summary, expected);
}

#[test]
fn the_console_has_pages_a_group_and_its_role() {
    let desk = Desk::new();
    let with = |lines: &str| format!("{GOOD}\n[console]\n{lines}\n");
    desk.takes(&with(""), "console      https://127.0.0.1:8443, a certificate of its own making");
    desk.takes(&with("listen = \"none\""), "console      no pages; commands: the daemon's user\n");
    let group = "listen = \"none\"\ngroup = \"tillstaff\"";
    desk.takes(&with(group), "no pages; commands: group tillstaff as manager\n");
    let admin = format!("{group}\ngroup_role = \"admin\"");
    desk.takes(&with(&admin), "no pages; commands: group tillstaff as admin\n");
    desk.refuses(
        &with("listen = \"nowhere\"\ngroup = \"till:staff\"\ngroup_role = \"boss\""),
        &[
            "console.listen: \"nowhere\" is no address",
            "console.group: \"till:staff\" is no name of a group",
            "console.group_role: \"boss\" is no role; write cashier, manager or admin",
        ],
    );
    let long = format!("group = {:?}", "x".repeat(33));
    desk.refuses(&with(&long), &["console.group: "]);
}

#[test]
fn receipts_have_a_width_last_words_and_a_printer() {
    let desk = Desk::new();
    let with = |lines: &str| format!("{GOOD}\n[receipt]\n{lines}\n");
    let words = "disclaimer = \"Umtausch binnen 14 Tagen\"\ncolumns = 48";
    desk.takes(&with(words), "receipts     48 columns, the last words are \"Umtausch binnen 14");
    let program = "printer_command = [\"lp\", \"-d\", \"desk\"]";
    desk.takes(&with(program), "printer      the program \"lp\"\n");
    let device = "printer_device = \"/dev/usb/lp0\"";
    desk.takes(&with(device), "printer      /dev/usb/lp0, ESC/POS\n");
    Desk::new()
        .set("KLARNA_TERMINALD__RECEIPT__PRINTER_COMMAND", "lp,-d,desk")
        .takes(GOOD, "printer      the program \"lp\"\n");
    desk.refuses(
        &with(&format!("columns = 42\ndisclaimer = \" \"\n{program}\n{device}")),
        &[
            "receipt.columns: 42 is none of 24, 32, 40, 48",
            "receipt.disclaimer: must not be empty",
            "receipt.printer_device: cannot stand beside receipt.printer_command: leave out one",
        ],
    );
    desk.refuses(
        &with(&format!("disclaimer = \"{}\"\nprinter_command = []", "x".repeat(201))),
        &[
            "receipt.disclaimer: has 201 characters, at most 200 are allowed",
            "receipt.printer_command: names no program, for example [\"lp\", \"-d\", \"desk\"]",
        ],
    );
    desk.refuses(
        &with("disclaimer = \"a\\u0007b\"\nprinter_device = \"lp0\""),
        &[
            "receipt.disclaimer: contains the control character U+0007",
            "receipt.printer_device: \"lp0\" is not the path of a device such as",
        ],
    );
    desk.refuses(&with("colums = 24"), &["did you mean `columns`?"]);
}

#[test]
fn everything_that_is_missing_is_said_at_once() {
    let desk = Desk { directory: TempDir::new().expect("dir"), overrides: Overrides::default() };
    let error = desk.load("").map(|config| config.summary()).expect_err("nothing is there");
    for key in [
        "terminal.store: is missing, for example \"S12\"",
        "terminal.terminal: is missing",
        "terminal.merchant: is missing",
        "terminal.locale: is missing",
        "terminal.currencies: is missing",
        "till.link: is missing",
        "klarna.environment: is missing",
        "klarna.account_id: is missing",
        "klarna.redirect_url: is missing",
        "klarna.api_key_file: is missing: name a file that holds the key and nothing else",
        "store.path: is missing",
        "display.output: is missing",
    ] {
        assert!(error.contains(key), "{error}\ndoes not say: {key}");
    }
    assert!(error.starts_with("the configuration has 12 problem(s)"), "{error}");
}

#[test]
fn unknown_keys_get_the_nearest_right_name_and_their_line() {
    let desk = Desk::new();
    desk.refuses(&good_but("port =", "prot ="), &["line 11", "`prot`", "did you mean `port`?"]);
    desk.refuses(&good_and("terminal", "colour = 1"), &["line 3", "unknown field `colour`"]);
    desk.refuses(&GOOD.replace("[display]", "[screen]"), &["unknown field `screen`"]);
}

#[test]
fn wrong_types_and_broken_toml_are_said_with_their_line() {
    let desk = Desk::new();
    desk.refuses(&good_and("till", "baud = \"fast\""), &["terminal.toml: line 10", "u32"]);
    desk.refuses(&good_but("\"serial\"", "\"usb\""), &["line 10", "`usb`", "`serial`", "`tcp`"]);
    desk.refuses(&good_but("[\"EUR\"]", "\"EUR\""), &["line 7", "sequence"]);
    desk.refuses("[terminal\nstore = 1", &["terminal.toml: line 1"]);
    desk.refuses(&good_and("klarna", "poll_ms = -1"), &["line 14"]);
}

#[test]
fn a_key_of_one_world_never_meets_the_hosts_of_the_other() {
    let key = "KLARNA_TERMINALD__KLARNA__API_KEY";
    let live = Desk::new().set(key, LIVE_KEY);
    live.refuses(GOOD, &["is a live key, but klarna.environment is \"test\""]);
    let live_file = good_but("\"test\"\naccount", "\"live\"\naccount");
    live.takes(&live_file, "klarna       Live at https://api-global.klarna.com");
    Desk::new().refuses(&live_file, &["is a test key, but klarna.environment is \"live\""]);
    let custom =
        good_but("\"test\"\naccount", "\"custom\"\nbase_url = \"https://sim:8443/\"\naccount");
    live.refuses(&custom, &["is a live key; a custom host never gets one"]);
    Desk::new().takes(&custom, "klarna       Custom at https://sim:8443\n");
    Desk::new().set(key, "something").refuses(GOOD, &["does not look like klarna_test_api_"]);
    Desk::new().set(key, "klarna_test_api_ä").refuses(GOOD, &["characters no key has"]);
}

#[test]
fn hosts_are_https_and_only_custom_ones_can_be_named() {
    let desk = Desk::new();
    let with = |url: &str| good_but("\"test\"\naccount", &format!("\"custom\"\n{url}\naccount"));
    desk.refuses(&with("base_url = \"http://sim\""), &["klarna.base_url", "https://"]);
    desk.refuses(&with(""), &["klarna.base_url: is missing"]);
    let redirected = good_and("klarna", "base_url = \"https://evil.example\"");
    desk.refuses(&redirected, &["only environment = \"custom\" has a host of its own"]);
}

#[test]
fn a_secret_does_not_belong_into_the_file() {
    let file = good_and("klarna", &format!("api_key = \"{TEST_KEY}\""));
    Desk::new().refuses(&file, &["klarna.api_key: a secret does not belong into terminal.toml"]);
    let broken = good_and("klarna", &format!("api_key = \"{LIVE_KEY}"));
    Desk::new().refuses(&broken, &["line 14"]);
}

#[test]
fn a_credential_goes_before_a_file_and_a_file_before_the_environment() {
    let mut desk = Desk::new();
    let file = desk.file("key", "not a key\n");
    let named = good_and("klarna", &format!("api_key_file = {file:?}"));
    desk.refuses(&named, &["klarna.api_key_file: the key is empty or has characters no key has"]);
    std::fs::write(&file, format!("  {TEST_KEY}\n")).expect("the file");
    desk.takes(&named, "api key      present, not shown");
    desk.file("klarna_api_key", LIVE_KEY);
    desk.overrides.credentials = Some(desk.directory.path().to_owned());
    desk.refuses(&named, &["is a live key"]);
    desk.overrides.credentials = Some(PathBuf::from("/nonexistent"));
    desk.takes(&named, "present");
    std::fs::remove_file(&file).expect("the file");
    desk.refuses(&named, &["klarna.api_key_file: cannot read"]);
}

#[test]
fn the_environment_overrides_the_file() {
    let set = |name: &str, value: &str| Desk::new().set(name, value);
    set("KLARNA_TERMINALD__TILL__PORT", "/dev/ttyS9").takes(GOOD, "serial /dev/ttyS9,");
    set("KLARNA_TERMINALD__TILL__BAUD", "9600").takes(GOOD, "9600 baud");
    set("KLARNA_TERMINALD__TERMINAL__CURRENCIES", "SEK,NOK").takes(GOOD, "takes        SEK, NOK");
    set("KLARNA_TERMINALD__TERMINAL__CURRENCIES", "SEK").takes(GOOD, "takes        SEK\n");
    set("KLARNA_TERMINALD__KLARNA__QR_HOSTS", "a.b,.c.d").takes(GOOD, "qr hosts     a.b, .c.d");
    set("KLARNA_TERMINALD__TILL__CHECKSUM_REQUIRED", "true").takes(GOOD, "checksums required");
    set("KLARNA_TERMINALD__TILL__PROT", "x").refuses(GOOD, &["environment", "prot", "`port`?"]);
    set("KLARNA_TERMINALD__TILL__BAUD", "fast").refuses(GOOD, &["environment"]);
    set("KLARNA_TERMINALD__TERMINAL__STORE", "7").takes(GOOD, "terminal     7-T3 at");
}

#[test]
fn values_are_bounded() {
    let desk = Desk::new();
    let second = |key: &str, value: &str| {
        let (section, name) = key.split_once('.').expect("section.key");
        let line = format!("{name} = {value}");
        if GOOD.contains(&format!("[{section}]")) {
            good_and(section, &line)
        } else {
            format!("{GOOD}\n[{section}]\n{line}\n")
        }
    };
    for (key, value) in [
        ("payment.timeout_s", "0"),
        ("payment.timeout_s", "3601"),
        ("payment.create_timeout_s", "121"),
        ("payment.paying_extension_s", "0"),
        ("payment.result_screen_s", "3601"),
        ("till.ack_timeout_s", "0"),
        ("klarna.poll_ms", "499"),
        ("klarna.poll_ms", "15001"),
    ] {
        desk.refuses(&second(key, value), &[key, value, "is out of range"]);
    }
    desk.refuses(&good_but("de-DE", "german"), &["terminal.locale", "german"]);
    desk.refuses(&good_but("\"EUR\"", "\"EUR\", \"EURO\""), &["terminal.currencies", "EURO"]);
    desk.refuses(&good_but("[\"EUR\"]", "[]"), &["terminal.currencies: is missing"]);
    desk.refuses(&good_but("\"S12\"", "\"S-12\""), &["terminal.store", "letters, digits or _"]);
    desk.refuses(&good_but("\"S12\"", "\"\""), &["terminal.store: is missing"]);
    desk.refuses(&good_but("krn:partner:global:account:test:X", " "), &["klarna.account_id"]);
    desk.refuses(
        &good_but("/thanks", "/x?t={{payment_confirmation_token}}"),
        &["the shopper's phone must not get the confirmation token"],
    );
    desk.refuses(&good_but("https://shop", "http://shop"), &["klarna.redirect_url"]);
    desk.refuses(&good_and("klarna", "integrator = \"My Shop\""), &["klarna.integrator"]);
    desk.refuses(
        &good_but("link = \"serial\"", "link = \"tcp\"\nlisten = \"here\""),
        &["till.listen: \"here\" is not an address and port"],
    );
}

#[test]
fn what_cannot_be_shown_is_refused_with_what_to_do() {
    let desk = Desk::new();
    let logo = desk.file("logo.png", "GIF89a");
    let large = desk.file("large.png", "");
    std::fs::File::create(&large).and_then(|file| file.set_len(20 << 20)).expect("20 MiB");
    for (line, complaint) in [
        ("rotation = 45", "display.rotation: 45 is not 0, 90, 180 or 270"),
        (
            "colors.accent = \"#ffb3c7\"",
            "accent #ffb3c7 on background #f7f5f1 has a contrast of 1.5",
        ),
        (
            "colors.ink = \"pink\"",
            "display.colors.ink: \"pink\" is not a colour such as \"#0b564c\"",
        ),
        ("second_language = \"tlh\"", "\"tlh\" is none of en, de, sv"),
        ("alternate_s = 0", "display.alternate_s: 0 is out of range: 1 to 60 seconds"),
        ("second_language = \"enx\"", "\"enx\" is none of en, de, sv"),
        ("warning_s = 151", "display.warning_s: 151 is out of range: 0 to 150"),
        ("operator_key = 139", "display.operator_key: is a key of no device"),
        ("brightness = 0", "display.brightness: 0 is out of range: 1 to 100 percent"),
        ("short_link = \"shop.example\"", "is not a link such as \"pay.shop.example/{code}\""),
        ("speech = []", "display.speech: names no program"),
        ("mirror = \"0.0.0.0:8480\"", "can be reached from elsewhere"),
        ("mirror = \"8480\"", "is not an address such as \"127.0.0.1:8480\""),
        (&format!("logo = {logo:?}"), "logo.png is not a PNG picture"),
        (&format!("logo = {large:?}"), "large.png has more than 1024 KiB; save a smaller picture"),
        ("logo = \"/nonexistent.png\"", "display.logo: /nonexistent.png cannot be read"),
    ] {
        desk.refuses(&good_and("display", line), &[complaint]);
    }
    desk.takes(&good_and("display", "second_language = \"en\""), "de, in turns with en");
    desk.takes(
        &good_and("display", "mirror = \"127.0.0.1:8480\""),
        "http://127.0.0.1:8480/display",
    );
}

#[test]
fn the_log_filter_is_checked_with_the_rest() {
    let file = format!("{GOOD}\n[log]\nfilter = \"info,klarna_terminald=loud\"\n");
    Desk::new().refuses(&file, &["log.filter"]);
}

#[test]
fn a_till_that_speaks_zvt_has_the_defaults_of_zvt() {
    let zvt = GOOD.replace("[till]", "[till]\nprotocol = \"zvt\"");
    let good = zvt.replace("[till]", "[till]\nterminal_id = \"12345678\"");
    let desk = Desk::new();
    let read = |text: &str| Config::from_text(text, Path::new("x.toml"), &desk.overrides);
    let summary = read(&good).expect("right").summary();
    let till = "serial /dev/ttyUSB0, 9600 baud, EightNoneTwo, ZVT terminal 12345678 in EUR";
    assert!(summary.contains(till), "{summary}");
    let bad = good.replace("[till]", "[till]\npassword = \"secret\"\nformat = \"7E1\"");
    for (text, wrong) in [
        (&zvt, "till.terminal_id: is missing"),
        (&bad, "till.password: needs exactly 6 digits"),
        (&good.replace("12345678", "1234"), "till.terminal_id: needs exactly 8 digits"),
        (&good.replace("[till]", "[till]\nprofile = \"rihc\""), "unknown variant `rihc`"),
        (
            &good.replace("[terminal]", "[terminal]\ntime_zone = \"Middle/Earth\""),
            "terminal.time_zone: \"Middle/Earth\" is no time zone that this system knows",
        ),
        (&good.replace("[till]", "[till]\nformat = \"7E1\""), "till.format: ZVT needs 8 data"),
        (
            &format!("{good}\n[payment]\ncapture = \"manual\"\n"),
            "payment.capture: a till that speaks ZVT cannot ask for the capture of a sale",
        ),
    ] {
        let error = read(text).expect_err(wrong).to_string();
        assert!(error.contains(wrong) && !error.contains("secret"), "{error}");
    }
}
