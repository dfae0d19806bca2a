//! A till that keeps to the protocol, its cashier, and its own book of what it was told.
//!
//! It sells, aborts, asks, repeats itself, forgets to acknowledge, captures, refunds, voids,
//! releases, updates and closes shifts; it knows nothing but the terminal's replies.

use super::random::Random;
use super::transaction::euros;
use klarna_terminald::id::{Label, PaymentReference, PosReference, TransactionId};
use klarna_terminald::payment::CapturePolicy;
use klarna_terminald::payment::event::{OperationProgress as P, Sale};
use klarna_terminald::payment::shift::ShiftReport;
use klarna_terminald::payment::vocabulary::{
    Operation, OperationResult, Problem, Reply, Request, SaleName, SaleOutcome, SaleResult, Status,
};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

pub struct Till {
    sales_left: usize,
    policy: CapturePolicy,
    /// In a thousand: how often an approved sale is acknowledged when its turn comes.
    acknowledges: u64,
    aborts: u64,
    pub sales: BTreeMap<String, Sold>,
    pub commands: BTreeMap<String, Commanded>,
    pub shifts: BTreeMap<String, ShiftReport>,
    current: Option<String>,
    /// Sent, and not answered yet.
    unanswered: VecDeque<Request>,
    count: u32,
    /// What customers show on their phones: Klarna's ids, whoever has sold it.
    pub shown: Vec<String>,
    /// Sales with a refused call that a person had sent again.
    pub retried: BTreeSet<String>,
    pub wrongs: Vec<String>,
}

/// A sale in the till's book.
#[derive(Debug, Default)]
pub struct Sold {
    pub amount: i64,
    /// Each result that differs from the one before, with all its words.
    pub told: Vec<(SaleOutcome, String)>,
    pub acknowledged: bool,
    /// It was refused, so there never was a payment.
    pub refused: bool,
    /// Our name of the payment and Klarna's, as far as they were told.
    pub payment: Option<PaymentReference>,
    pub transaction: Option<TransactionId>,
}

/// A command about an earlier sale in the till's book.
#[derive(Debug, Default)]
pub struct Commanded {
    /// As it was asked.
    pub request: Option<Request>,
    pub told: Option<OperationResult>,
    pub refused: bool,
}

impl Till {
    pub fn new(sales: usize, policy: CapturePolicy, random: &mut Random) -> Self {
        Self {
            sales_left: sales,
            policy,
            acknowledges: random.pick(&[1000, 900, 500]),
            aborts: random.pick(&[0, 20, 150]),
            sales: BTreeMap::new(),
            commands: BTreeMap::new(),
            shifts: BTreeMap::new(),
            current: None,
            unanswered: VecDeque::new(),
            count: 0,
            shown: Vec::new(),
            retried: BTreeSet::new(),
            wrongs: Vec::new(),
        }
    }

    /// Whether it has sold all that it was to sell.
    pub fn is_done(&self) -> bool {
        self.sales_left == 0 && self.current.is_none()
    }

    /// What the cashier does next, if anything.
    pub fn act(&mut self, random: &mut Random) -> Option<Request> {
        if let Some(request) = self.unanswered.pop_front() {
            return Some(request);
        }
        let Some(current) = self.current.clone() else { return self.between_sales(random) };
        let reference = reference(&current);
        let sold = &self.sales[&current];
        match sold.told.last() {
            None if random.chance(self.aborts) => Some(Request::Abort { reference }),
            None if random.chance(100) => Some(self.same_sale(&current)),
            None if random.chance(300) => Some(Request::Status { reference }),
            None => None,
            Some((SaleOutcome::Approved, _)) if !sold.acknowledged => {
                if random.chance(self.acknowledges) {
                    return Some(Request::Acknowledge { reference });
                }
                if random.chance(150) {
                    return Some(self.command(random, &current, Kind::Void));
                }
                random.chance(300).then_some(Request::Status { reference })
            }
            Some(_) => {
                self.current = None;
                None
            }
        }
    }

    fn between_sales(&mut self, random: &mut Random) -> Option<Request> {
        let paid: Vec<String> = self
            .sales
            .iter()
            .filter(|(_, sold)| matches!(sold.told.last(), Some((SaleOutcome::Approved, _))))
            .map(|(name, _)| name.clone())
            .collect();
        if !paid.is_empty() && random.chance(450) {
            let index = random.between(0, paid.len() as u64 - 1);
            let sale = paid[usize::try_from(index).expect("an index")].clone();
            return Some(match random.between(0, 14) {
                0..4 => self.command(random, &sale, Kind::Refund),
                4..8 => self.command(random, &sale, Kind::Capture),
                8 => self.command(random, &sale, Kind::Void),
                9..11 => self.command(random, &sale, Kind::Release),
                11..13 => self.command(random, &sale, Kind::Update),
                13 => self.same_sale(&sale),
                _ => Request::Status { reference: reference(&sale) },
            });
        }
        if !self.shown.is_empty() && random.chance(200) {
            return Some(self.for_others(random));
        }
        if random.chance(60) {
            return Some(self.end_shift());
        }
        self.sales_left.checked_sub(1).map(|left| {
            self.sales_left = left;
            self.sale(random)
        })
    }

    fn sale(&mut self, random: &mut Random) -> Request {
        let name = self.name('R');
        let amount = if random.chance(10) {
            0
        } else {
            i64::try_from(random.between(1, 20_000)).expect("an amount")
        };
        self.sales.insert(name.clone(), Sold { amount, ..Sold::default() });
        self.current = Some(name.clone());
        self.same_sale(&name)
    }

    /// A sale of a fixed amount, for worlds that are played by the book.
    pub fn begin_sale(&mut self, amount: i64) -> Request {
        let name = self.name('R');
        self.sales.insert(name.clone(), Sold { amount, ..Sold::default() });
        self.same_sale(&name)
    }

    fn same_sale(&self, name: &str) -> Request {
        Request::Sale(Sale {
            reference: reference(name),
            amount: euros(self.sales[name].amount),
            merchant_reference: None,
            line_items: Vec::new(),
            locale: None,
            reserved: false,
        })
    }

    /// A command about a sale of ours, by one of its names.
    fn command(&mut self, random: &mut Random, sale: &str, kind: Kind) -> Request {
        let sold = &self.sales[sale];
        let by_name = sold.payment.clone().filter(|_| random.chance(100)).map(SaleName::Payment);
        let by_id = sold.transaction.clone().filter(|_| random.chance(100));
        let name = by_id.map(SaleName::Transaction).or(by_name);
        let name = name.unwrap_or_else(|| SaleName::Till(reference(sale)));
        let whole = sold.amount.max(1);
        self.about(random, name, whole, kind)
    }

    /// A command about whatever a customer shows.
    fn for_others(&mut self, random: &mut Random) -> Request {
        let index = random.between(0, self.shown.len() as u64 - 1);
        let shown = &self.shown[usize::try_from(index).expect("an index")];
        let shown = match random.between(0, 19) {
            0 => "krn:web:nobody-knows",
            // Typed in short.
            1..4 => shown.rsplit(':').next().expect("a part"),
            _ => shown.as_str(),
        };
        let name = SaleName::Transaction(TransactionId::new(shown).expect("an id"));
        let kinds = [Kind::Refund, Kind::Refund, Kind::Refund, Kind::Refund, Kind::Refund];
        let rare = [Kind::Capture, Kind::Void, Kind::Release, Kind::Update];
        let kind = if random.chance(250) { random.pick(&rare) } else { random.pick(&kinds) };
        self.about(random, name, 8_000, kind)
    }

    fn about(&mut self, random: &mut Random, about: SaleName, most: i64, kind: Kind) -> Request {
        let part = i64::try_from(random.between(1, u64::try_from(most).expect("positive")));
        let part = euros(part.expect("an amount"));
        let divisible = matches!(kind, Kind::Capture | Kind::Refund);
        let amount = (divisible && random.chance(700)).then_some(part);
        let name = self.name('F');
        let asked = Operation { reference: reference(&name), sale: about, amount, why: None };
        let request = match kind {
            Kind::Capture => Request::Capture(asked),
            Kind::Refund => Request::Refund(asked),
            Kind::Void => Request::Void(asked),
            Kind::Release => Request::Release(asked),
            Kind::Update => {
                let merchant_reference = Label::new(format!("order {name}")).expect("a label");
                let Operation { reference, sale, .. } = asked;
                Request::Update { reference, sale, merchant_reference }
            }
        };
        let commanded = Commanded { request: Some(request.clone()), ..Commanded::default() };
        self.commands.insert(name, commanded);
        if random.chance(150) {
            self.unanswered.push_back(request.clone());
        }
        request
    }

    fn end_shift(&mut self) -> Request {
        Request::EndShift { reference: reference(&self.name('Z')), shift: None }
    }

    /// The same again later, because nothing was heard.
    pub fn unheard(&mut self, request: Request) {
        if !matches!(request, Request::Status { .. } | Request::Abort { .. }) {
            self.unanswered.push_back(request);
        }
    }

    /// The day's last round: ask about everything, acknowledge what is approved.
    pub fn last_round(&mut self, random: &mut Random, selling: bool) -> Vec<Request> {
        let mut requests: Vec<Request> = self.unanswered.drain(..).collect();
        for (name, sold) in &self.sales {
            let reference = reference(name);
            let approved = matches!(sold.told.last(), Some((SaleOutcome::Approved, _)));
            if approved && !sold.acknowledged && random.chance(self.acknowledges) {
                requests.push(Request::Acknowledge { reference: reference.clone() });
            }
            requests.push(Request::Status { reference });
        }
        for (name, command) in &self.commands {
            let unheard = command.told.is_none() && !command.refused;
            // What was never answered is asked for once more.
            let again = command.request.clone().filter(|_| unheard);
            requests.push(again.unwrap_or(Request::Status { reference: reference(name) }));
        }
        if self.policy == CapturePolicy::EndOfShift && selling {
            requests.push(self.end_shift());
        }
        requests
    }

    fn name(&mut self, letter: char) -> String {
        self.count += 1;
        format!("{letter}{:05}", self.count)
    }

    // -- what it hears ---------------------------------------------------------------------------

    pub fn hear(&mut self, reply: &Reply) {
        match reply {
            Reply::Result(result) => self.note_result(result),
            Reply::Acknowledged { reference } => {
                if let Some(sold) = self.sales.get_mut(reference.as_str()) {
                    sold.acknowledged = true;
                }
            }
            Reply::Operation(operation) => self.note_command(operation),
            Reply::Shift(report) => self.note_shift(report),
            Reply::Status { reference, status } => self.note_status(reference.as_str(), status),
            Reply::Progress { reference, stage } => {
                let told = self.sales.get(reference.as_str()).and_then(|sold| sold.told.last());
                if let Some((outcome, _)) = told {
                    let wrong = format!("{reference} was told {outcome:?}, and is now {stage:?}");
                    self.wrongs.push(wrong);
                }
            }
            Reply::Refused { reference: Some(reference), problem } => {
                self.note_refusal(reference.as_str(), problem);
            }
            Reply::Refused { reference: None, .. } | Reply::Noted { .. } | Reply::Totals(_) => {}
            Reply::Print { .. } => {}
        }
    }

    fn note_status(&mut self, name: &str, status: &Status) {
        match status {
            Status::Done(result, _) => self.note_result(result),
            Status::Operation(operation) => self.note_command(operation),
            Status::Shift(report) => self.note_shift(report),
            Status::InProgress(stage) => {
                if let Some((outcome, _)) = self.sales.get(name).and_then(|s| s.told.last()) {
                    let wrong = format!("{name} was told {outcome:?}, and is now {stage:?}");
                    self.wrongs.push(wrong);
                }
            }
            Status::NotKnown => self.note_unknown(name),
        }
    }

    fn note_unknown(&mut self, name: &str) {
        let sale_told = self.sales.get(name).is_some_and(|sold| !sold.told.is_empty());
        let command_told = self.commands.get(name).is_some_and(|command| command.told.is_some());
        if sale_told || command_told {
            self.wrongs.push(format!("{name} was told about, and is now not known"));
        }
        if self.current.as_deref() == Some(name) {
            self.current = None;
        }
    }

    fn note_result(&mut self, result: &SaleResult) {
        let name = result.reference.as_str();
        let words = format!("{result:?}");
        let Some(sold) = self.sales.get_mut(name) else {
            return self.wrongs.push(format!("a result of {name}, which was never asked for"));
        };
        if result.amount.minor() != sold.amount {
            self.wrongs.push(format!("{name} has the result of another amount: {words}"));
        }
        sold.payment = Some(result.payment_reference.clone());
        sold.transaction = result.transaction.clone().or(sold.transaction.take());
        match sold.told.last() {
            Some((_, before)) if *before == words => {}
            None => sold.told.push((result.outcome, words)),
            Some((SaleOutcome::Approved, _))
                if matches!(result.outcome, SaleOutcome::Voided(_)) && !sold.acknowledged =>
            {
                sold.told.push((result.outcome, words));
            }
            Some((_, before)) => {
                self.wrongs.push(format!("{name} was told {before}, and is now {words}"));
            }
        }
    }

    fn note_command(&mut self, operation: &OperationResult) {
        let name = operation.reference.as_str();
        let Some(command) = self.commands.get_mut(name) else { return };
        let final_before = command.told.as_ref().filter(|told| told.progress != P::Queued);
        let refused = final_before.is_some_and(|told| matches!(told.progress, P::Refused(_)));
        let retried = refused && self.retried.contains(operation.sale.as_str());
        if let Some(before) = final_before
            && before != operation
            && !retried
        {
            self.wrongs.push(format!("{name} was told {before:?}, and is now {operation:?}"));
        }
        command.told = Some(operation.clone());
    }

    fn note_shift(&mut self, report: &ShiftReport) {
        let name = report.reference.to_string();
        let before = self.shifts.insert(name, report.clone());
        if before.as_ref().is_some_and(|before| before != report) {
            self.wrongs.push(format!("shift report {report:?} was {before:?}"));
        }
    }

    fn note_refusal(&mut self, name: &str, problem: &Problem) {
        if let Some(command) = self.commands.get_mut(name) {
            command.refused |= command.told.is_none();
        }
        let Some(sold) = self.sales.get_mut(name) else { return };
        let started = !matches!(problem, Problem::Busy(_) | Problem::Unacknowledged(_));
        let settled = matches!(problem, Problem::NoResultYet(..));
        if settled || !sold.told.is_empty() {
            return;
        }
        // Refused before it began: the cashier starts afresh later.
        sold.refused |= !started || matches!(problem, Problem::NotKnown(_));
        if self.current.as_deref() == Some(name) {
            self.current = None;
        }
        if let Problem::Unacknowledged(other) | Problem::Busy(other) = problem {
            self.current = Some(other.to_string());
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Capture,
    Refund,
    Void,
    Release,
    Update,
}

fn reference(name: &str) -> PosReference {
    PosReference::new(name).expect("a reference")
}
