//! Klarna's rate limits: one token bucket per category of calls, counted per account.
//!
//! It reads no clock; the caller says what time it is.

use jiff::Timestamp;

/// A category of calls that share a quota, with the test quotas of Klarna's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Category {
    Capture,
    Management,
    Partner,
}

impl Category {
    fn name(self) -> &'static str {
        match self {
            Category::Capture => "payment-transaction-capture",
            Category::Management => "payment-transaction-management",
            Category::Partner => "partner-management",
        }
    }

    /// The quota that all merchants of one acquiring partner share; only announced, never enforced
    /// here.
    fn partner_quota(self) -> u32 {
        match self {
            Category::Capture => 50,
            Category::Management => 125,
            Category::Partner => 12,
        }
    }
}

/// Tokens are counted in millionths, so that a quota per second is a quota of millionths per
/// microsecond.
const MILLIONTHS: i64 = 1_000_000;

/// `quota` calls a second, and as many at once.
pub(super) struct Bucket {
    category: Category,
    quota: u32,
    level: i64,
    filled_at: Option<Timestamp>,
}

impl Bucket {
    pub(super) fn new(category: Category, quota: u32) -> Bucket {
        let level = i64::from(quota) * MILLIONTHS;
        Bucket { category, quota, level, filled_at: None }
    }

    /// Takes a token; false means that this call is one too many.
    pub(super) fn take(&mut self, now: Timestamp) -> bool {
        self.fill(now);
        let enough = self.level >= MILLIONTHS;
        if enough {
            self.level -= MILLIONTHS;
        }
        enough
    }

    fn fill(&mut self, now: Timestamp) {
        let full = i64::from(self.quota) * MILLIONTHS;
        let before = self.filled_at.unwrap_or(now);
        let elapsed_us = now.as_microsecond().saturating_sub(before.as_microsecond()).max(0);
        let gained = elapsed_us.saturating_mul(i64::from(self.quota));
        self.level = self.level.saturating_add(gained).min(full);
        self.filled_at = Some(before.max(now));
    }

    /// The three headers that tell a client how it stands.
    pub(super) fn headers(&self) -> Vec<(&'static str, String)> {
        let (quota, name) = (self.quota, self.category.name());
        let partner = self.category.partner_quota();
        let limit = format!(
            "{quota}, {quota};w=1;name=\"account_{name}\",{partner};w=1;name=\"psp_{name}\""
        );
        vec![
            ("x-ratelimit-limit", limit),
            ("x-ratelimit-remaining", (self.level / MILLIONTHS).to_string()),
            ("x-ratelimit-reset", "1".to_owned()),
        ]
    }
}
