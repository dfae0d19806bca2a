//! Users of the manager's pages from the command line: who may sign in, and as what; asked of the
//! running daemon, which notes every change in the audit journal.

use super::client::{Client, Told, found, part};
use super::desk::confirm;
use super::table::{Side, Table, second};
use crate::access::{FIRST_PIN_LASTS, Role};
use crate::console::api::{FirstPinView, SetUpView, SignedOutView, UserView, Users};
use anyhow::Context as _;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Users, and what to do about them.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Without a command it lists them. A cashier looks at payments and prints receipts
again; a manager also gives money back and closes shifts; an admin may do
everything. None is ever deleted, because the audit journal names them: lock one
that has left.

  klarna-terminald users add anna --role manager --config FILE
  klarna-terminald users reset-pin anna --config FILE")]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    database: super::Database,
    /// Print one line of JSON
    #[arg(long, global = true)]
    json: bool,
    /// Do it without asking
    #[arg(long, short, global = true)]
    yes: bool,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Add a user, and show the first PIN this once
    Add {
        /// The name to sign in with: letters, digits, '.', '_' and '-'
        #[arg(value_name = "NAME")]
        name: String,
        /// What the user may do: cashier, manager or admin
        #[arg(long, value_name = "ROLE")]
        role: Role,
    },
    /// Give a user a new first PIN, and show it this once; ends their sessions
    ResetPin(Name),
    /// Lock a user out until further notice; ends their sessions
    Lock(Name),
    /// Let a locked user in again
    Unlock(Name),
    /// End all sessions of a user
    SignOut(Name),
    /// Change what a user may do; ends their sessions
    Role {
        #[command(flatten)]
        name: Name,
        /// cashier, manager or admin
        #[arg(value_name = "ROLE")]
        role: Role,
    },
    /// Show the set-up code, with which the first admin is made in the browser
    Code,
}

#[derive(Debug, clap::Args)]
struct Name {
    /// The user's name
    #[arg(value_name = "NAME")]
    name: String,
}

/// A client, and how to ask and tell.
struct Counter {
    client: Client,
    json: bool,
    yes: bool,
}

/// Runs one of them.
pub(super) fn run(asked: Arguments) -> anyhow::Result<()> {
    let client = Client::of(&asked.database.path()?)?;
    let counter = Counter { client, json: asked.json, yes: asked.yes };
    match asked.action {
        None => counter.list(),
        Some(Action::Add { name, role }) => counter.add(&name, role),
        Some(Action::ResetPin(Name { name })) => counter.reset_pin(&name),
        Some(Action::Lock(Name { name })) => {
            let told: Told<UserView> =
                counter.change(&format!("Lock {name} out"), &name, "lock", &json!({}))?;
            counter.tell(&told.json, || println!("{} is locked out", told.value.name));
            Ok(())
        }
        Some(Action::Unlock(Name { name })) => {
            let told: Told<UserView> =
                counter.change(&format!("Let {name} in again"), &name, "unlock", &json!({}))?;
            counter.tell(&told.json, || println!("{} may sign in again", told.value.name));
            Ok(())
        }
        Some(Action::SignOut(Name { name })) => {
            let told: Told<SignedOutView> =
                counter.change(&format!("Sign {name} out"), &name, "sign-out", &json!({}))?;
            let SignedOutView { user, sessions } = &told.value;
            counter.tell(&told.json, || {
                println!("{} is signed out; {sessions} session(s) have ended", user.name);
            });
            Ok(())
        }
        Some(Action::Role { name: Name { name }, role }) => {
            let body = json!({ "role": role });
            let told: Told<UserView> =
                counter.change(&format!("Make {name} {role}"), &name, "role", &body)?;
            let UserView { name, role, .. } = &told.value;
            counter.tell(&told.json, || println!("{name} is {role} now"));
            Ok(())
        }
        Some(Action::Code) => counter.code(),
    }
}

impl Counter {
    /// Prints the answer itself, or what `print` makes of it.
    fn tell(&self, json: &str, print: impl FnOnce()) {
        match self.json {
            true => println!("{json}"),
            false => print(),
        }
    }

    fn list(&self) -> anyhow::Result<()> {
        let told: Told<Users> = self.client.get("/v1/users")?;
        self.tell(&told.json, || {
            if told.value.users.is_empty() {
                println!("no users yet; `users code` shows how the first admin is made");
                return;
            }
            let columns = ["name", "role", "state", "last sign-in (UTC)", "added (UTC)"];
            let mut table = Table::new(&columns.map(|name| (name, Side::Left)));
            for user in &told.value.users {
                let last = user.last_sign_in.as_deref().map_or("never", second).to_owned();
                let added = second(&user.created).to_owned();
                let (name, role) = (user.name.clone(), user.role.clone());
                table.row([name, role, state(user).to_owned(), last, added]);
            }
            table.print();
        });
        Ok(())
    }

    fn add(&self, name: &str, role: Role) -> anyhow::Result<()> {
        confirm(&format!("Add {name} as {role}"), self.yes)?;
        let body = json!({ "name": name, "role": role });
        let told: Told<FirstPinView> = self.client.post("/v1/users", &body)?;
        self.tell(&told.json, || {
            let user = &told.value.user;
            println!("{} is added as {}", user.name, user.role);
            first_pin(&told.value.first_pin);
        });
        Ok(())
    }

    fn reset_pin(&self, name: &str) -> anyhow::Result<()> {
        let what = format!("Give {name} a new PIN");
        let told: Told<FirstPinView> = self.change(&what, name, "pin", &json!({}))?;
        self.tell(&told.json, || {
            println!("{} has a new PIN", told.value.user.name);
            first_pin(&told.value.first_pin);
        });
        Ok(())
    }

    fn change<T: DeserializeOwned>(
        &self,
        question: &str,
        name: &str,
        change: &str,
        body: &Value,
    ) -> anyhow::Result<Told<T>> {
        confirm(question, self.yes)?;
        let told = self.client.post(&format!("/v1/users/{}/{change}", part(name)), body);
        found(told)?.with_context(|| format!("there is no user {name}; `users` lists them"))
    }

    fn code(&self) -> anyhow::Result<()> {
        let told: Told<SetUpView> = self.client.get("/v1/set-up-code")?;
        self.tell(&told.json, || match &told.value.set_up_code {
            Some(code) => {
                println!("set-up code: {code}");
                println!(
                    "Open the terminal's pages in a browser and make the first admin with it."
                );
                println!("It is good until that is done or the terminal is started again.");
            }
            None => {
                println!("there is an admin already: sign in, or `users reset-pin NAME`");
            }
        });
        Ok(())
    }
}

fn state(user: &UserView) -> &'static str {
    match (user.is_locked, user.must_change_pin) {
        (true, _) => "locked",
        (false, true) => "first PIN",
        (false, false) => "active",
    }
}

fn first_pin(pin: &str) {
    let days = FIRST_PIN_LASTS.as_secs() / 86_400;
    println!("first PIN: {pin}");
    println!(
        "It is shown this once, is changed at the first sign-in, and is good for {days} days."
    );
}
