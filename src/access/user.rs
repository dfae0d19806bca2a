//! Who somebody is and what they may do: names, roles, rights, the users' rows.
//!
//! Knows nothing of PINs beyond the text that is stored, and nothing of sessions.

use super::AccessError;
use crate::clock::Wall;
use rusqlite::{Connection, OptionalExtension as _, Row};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Longest user name, in characters: fits a line of a receipt and a column of a page.
pub const NAME_LEN_MAX: usize = 32;

/// What somebody may do at the console. A role has every right of the ones before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Looks at payments and prints receipts again.
    Cashier,
    /// Gives money back and closes shifts.
    Manager,
    /// May do everything.
    Admin,
}

/// Something that only some may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Right {
    /// Look at payments.
    See,
    /// Print a receipt again.
    Reprint,
    /// Give money back.
    Return,
    /// Close a shift.
    Shift,
    /// Decide about calls that were refused.
    Resolve,
    /// Add users, change their roles, reset their PINs.
    Users,
    /// Read the audit journal.
    Audit,
    /// Change settings of the terminal.
    Settings,
}

impl Role {
    /// All of them, the one with the fewest rights first.
    pub const ALL: [Self; 3] = [Self::Cashier, Self::Manager, Self::Admin];

    /// Whether somebody in this role may do it.
    pub fn may(self, right: Right) -> bool {
        let from = match right {
            Right::See | Right::Reprint => Self::Cashier,
            Right::Return | Right::Shift => Self::Manager,
            Right::Resolve | Right::Users | Right::Audit | Right::Settings => Self::Admin,
        };
        self >= from
    }

    /// The word for it in files and on the command line.
    pub fn code(self) -> &'static str {
        match self {
            Self::Cashier => "cashier",
            Self::Manager => "manager",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// A word that names no role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no role; write cashier, manager or admin")]
pub struct UnknownRole(String);

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        let found = Self::ALL.into_iter().find(|role| role.code() == text);
        found.ok_or_else(|| UnknownRole(text.chars().take(NAME_LEN_MAX).collect()))
    }
}

/// The name somebody signs in with: 1 to 32 of `a-z`, `0-9`, `.`, `_` and `-`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct UserName(String);

/// Why a text is no user name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadName {
    /// Nothing was written, or too much.
    #[error("a user name has 1 to {NAME_LEN_MAX} characters, this one has {0}; choose another")]
    Length(usize),
    /// A character that is not allowed.
    #[error("{0:?} cannot stand in a user name; use letters a-z, digits, '.', '_' and '-'")]
    Character(char),
}

impl UserName {
    /// Takes `text` as it was typed: capitals become small letters, blanks around it are dropped.
    ///
    /// # Errors
    /// [`BadName`] says what is wrong with it.
    pub fn new(text: &str) -> Result<Self, BadName> {
        let text = text.trim();
        let is_bad = |c: &char| !c.is_ascii_alphanumeric() && !matches!(c, '.' | '_' | '-');
        match text.chars().count() {
            1..=NAME_LEN_MAX => match text.chars().find(is_bad) {
                None => Ok(Self(text.to_ascii_lowercase())),
                Some(character) => Err(BadName::Character(character)),
            },
            length => Err(BadName::Length(length)),
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UserName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for UserName {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::new(&text).map_err(serde::de::Error::custom)
    }
}

/// A user's number; it is never given to somebody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UserId(i64);

impl UserId {
    /// The user with this number, whether there is one or not.
    pub fn new(number: i64) -> Self {
        Self(number)
    }

    /// The number.
    pub fn number(self) -> i64 {
        self.0
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Somebody who may use the console.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct User {
    /// Stays the same whatever else changes.
    pub id: UserId,
    /// Signs in with it.
    pub name: UserName,
    /// What the user may do.
    pub role: Role,
    /// An admin has locked the user out until further notice.
    pub is_locked: bool,
    /// The PIN is one that an admin has handed over.
    pub must_change_pin: bool,
    /// When the user was added.
    pub created: Wall,
    /// When the user last signed in, if ever.
    pub last_sign_in: Option<Wall>,
}

/// A user with what only this room may know.
#[derive(Debug, Clone)]
pub(super) struct UserRow {
    pub(super) user: User,
    /// PHC string.
    pub(super) pin: String,
    /// Since when a first PIN has been waiting to be changed.
    pub(super) first_pin_since: Option<Wall>,
}

const COLUMNS: &str = "SELECT id, name, role, is_locked, pin, first_pin_ms, created_ms,
                              last_sign_in_ms FROM user";

impl UserRow {
    fn read(row: &Row<'_>) -> Result<Self, AccessError> {
        let id: i64 = row.get(0)?;
        let bad = |why: String| AccessError::BadRow { table: "user", row: id, why };
        let (name, role): (String, String) = (row.get(1)?, row.get(2)?);
        let first_pin_since = row.get::<_, Option<i64>>(5)?.map(Wall::from_millis);
        let user = User {
            id: UserId(id),
            name: UserName::new(&name).map_err(|error| bad(error.to_string()))?,
            role: role.parse().map_err(|error: UnknownRole| bad(error.to_string()))?,
            is_locked: row.get(3)?,
            must_change_pin: first_pin_since.is_some(),
            created: Wall::from_millis(row.get(6)?),
            last_sign_in: row.get::<_, Option<i64>>(7)?.map(Wall::from_millis),
        };
        Ok(Self { user, pin: row.get(4)?, first_pin_since })
    }
}

/// The user with this name, if there is one.
pub(super) fn by_name(
    connection: &Connection,
    name: &UserName,
) -> Result<Option<UserRow>, AccessError> {
    let mut statement = connection.prepare_cached(&format!("{COLUMNS} WHERE name = ?1"))?;
    statement.query_row([name.as_str()], |row| Ok(UserRow::read(row))).optional()?.transpose()
}

/// The user with this number, if there is one.
pub(super) fn by_id(connection: &Connection, id: UserId) -> Result<Option<UserRow>, AccessError> {
    let mut statement = connection.prepare_cached(&format!("{COLUMNS} WHERE id = ?1"))?;
    statement.query_row([id.0], |row| Ok(UserRow::read(row))).optional()?.transpose()
}

/// All users, by name.
pub(super) fn all(connection: &Connection) -> Result<Vec<UserRow>, AccessError> {
    let mut statement = connection.prepare_cached(&format!("{COLUMNS} ORDER BY name"))?;
    let rows = statement.query_and_then([], UserRow::read)?;
    rows.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_role_has_the_rights_of_those_before_it() {
        let rights = [
            (Right::See, [true, true, true]),
            (Right::Reprint, [true, true, true]),
            (Right::Return, [false, true, true]),
            (Right::Shift, [false, true, true]),
            (Right::Resolve, [false, false, true]),
            (Right::Users, [false, false, true]),
            (Right::Audit, [false, false, true]),
            (Right::Settings, [false, false, true]),
        ];
        for (right, expected) in rights {
            assert_eq!(Role::ALL.map(|role| role.may(right)), expected, "{right:?}");
        }
    }

    #[test]
    fn a_role_is_written_as_it_is_read() {
        for role in Role::ALL {
            assert_eq!(role.code().parse(), Ok(role));
            let json = serde_json::to_string(&role).expect("a word");
            assert_eq!(json, format!("\"{role}\""));
        }
        let error = "boss".parse::<Role>().expect_err("no role");
        assert_eq!(error.to_string(), "\"boss\" is no role; write cashier, manager or admin");
    }

    #[test]
    fn a_name_is_small_letters_digits_and_three_signs() {
        let name = |text: &str| UserName::new(text).map(|name| name.to_string());
        assert_eq!(name(" Anna.B_2-x "), Ok("anna.b_2-x".to_owned()));
        assert_eq!(name(""), Err(BadName::Length(0)));
        assert_eq!(name("   "), Err(BadName::Length(0)));
        assert_eq!(name(&"a".repeat(32)), Ok("a".repeat(32)));
        assert_eq!(name(&"a".repeat(33)), Err(BadName::Length(33)));
        assert_eq!(name("an na"), Err(BadName::Character(' ')));
        assert_eq!(name("änna"), Err(BadName::Character('ä')));
        assert_eq!(name("a\0"), Err(BadName::Character('\0')));
        serde_json::from_str::<UserName>("\"a b\"").expect_err("read as strictly");
    }

    proptest! {
        #[test]
        fn any_text_is_a_name_or_refused(text in ".*") {
            if let Ok(name) = UserName::new(&text) {
                prop_assert!((1..=NAME_LEN_MAX).contains(&name.as_str().len()));
                prop_assert_eq!(UserName::new(name.as_str()), Ok(name.clone()));
            }
        }
    }
}
