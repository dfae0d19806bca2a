//! The till's own book: what it has sold, what it was told, what it has given back.

/// What the till knows of a sale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is being paid.
    Open,
    /// The dialogue has broken off: the terminal must be asked.
    Unknown,
    /// It was acknowledged and its command has ended well, or the terminal has said so when asked.
    Paid,
    /// The terminal has said so, or the till has never acknowledged it.
    NotPaid,
}

/// What the till knows of a command that gives money back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// It was told that it is done, or will be.
    Done,
    /// It was told that it is not.
    Refused,
    /// It was told nothing.
    Nothing,
}

/// A command that gives money back.
#[derive(Debug)]
pub struct Return {
    pub amount: u64,
    pub told: Told,
    /// Under which references the terminal has carried it out.
    pub references: Vec<String>,
}

#[derive(Debug)]
pub struct Entry {
    pub amount: u64,
    pub fate: Fate,
    /// From a `04 0F` that says it is paid.
    pub receipt: Option<u64>,
    pub trace: Option<u64>,
    /// The till has acknowledged that `04 0F`.
    pub acknowledged: bool,
    pub returns: Vec<Return>,
    /// Under which references the terminal has begun it.
    pub references: Vec<String>,
}

impl Entry {
    pub fn new(amount: u64) -> Self {
        Self {
            amount,
            fate: Fate::Open,
            receipt: None,
            trace: None,
            acknowledged: false,
            returns: Vec::new(),
            references: Vec::new(),
        }
    }

    /// What the till thinks is left of it at least.
    pub fn left(&self) -> u64 {
        let gone = |of_it: &Return| match of_it.told {
            Told::Refused => 0,
            Told::Done | Told::Nothing => of_it.amount,
        };
        self.amount.saturating_sub(self.returns.iter().map(gone).sum())
    }

    /// A result that names a payment by either of these is about this one.
    pub fn is_named(&self, receipt: Option<u64>, trace: Option<u64>) -> bool {
        let by_receipt = receipt.is_some() && receipt == self.receipt;
        by_receipt || trace.is_some() && trace == self.trace
    }

    pub fn sum(&self, told: Told) -> u64 {
        self.returns.iter().filter(|of| of.told == told).map(|of| of.amount).sum()
    }
}

#[derive(Debug, Default)]
pub struct Book {
    pub sales: Vec<Entry>,
    /// Which return of which sale was asked for last.
    pub returning: Option<(usize, usize)>,
}

impl Book {
    /// Before anything else is sold, the till wants to know what has become of it.
    pub fn unknown(&self) -> Option<usize> {
        self.sales.iter().position(|sale| sale.fate == Fate::Unknown)
    }

    pub fn return_mut(&mut self, (sale, number): (usize, usize)) -> &mut Return {
        &mut self.sales[sale].returns[number]
    }

    /// Whose receipt it is, as far as the till has seen it.
    pub fn of_receipt(&self, receipt: u64) -> Option<usize> {
        self.sales.iter().position(|sale| sale.receipt == Some(receipt))
    }
}
